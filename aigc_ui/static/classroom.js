// Who visits a shared studio: what they may do here, their number, and for its owner everybody's jobs, to be stopped.
import { el, focused, icon, icons } from "./dom.js";
import { titled } from "./job_title.js";
import { emit, on } from "./events.js";
import { api } from "./http.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { placeInLine } from "./prospects.js";
import { over } from "./state.js";
import { t } from "./words.js";

const EVERY = 3000;
const TRAININGS = ["family-training", "points-training"];
/** @typedef {import("./engine.d.ts").Job & { visitor?: number }} Job of anybody, for the owner */
/** @type {import("./types.d.ts").Me | null} */
let me = null;
/** @type {Job[]} */
let jobs = [];
let timer = 0;

/** A button for those who may train; the others read beside it why it is grey. @param {HTMLButtonElement} button */
export function forTraining(button) {
  const why = el("p", { class: "help", hidden: true });
  const render = () => {
    why.textContent = t("classroom.no-training");
    if (!me) return;
    why.hidden = me.may_train;
    button.disabled = !me.may_train;
  };
  on("me", render);
  on("language", render);
  render();
  return why;
}

/** @param {Job} job */
const title = (job) =>
  TRAININGS.includes(job.generator)
    ? t("classroom.training")
    : job.request.prompt || ["upscale", "decode"].includes(job.generator)
      ? titled(job.generator, job.request)
      : job.generator;
/** @param {Job} job */
function standing(job) {
  if (job.stopping) return t("state.stopping");
  if (job.state === "waiting") return placeInLine({ ...job, position: job.position ?? 0 }).join(" · ");
  return job.progress.total ? `${job.progress.step} / ${job.progress.total}` : t("state.running");
}
/** @param {Job} job */
function row(job) {
  const who = job.own ? t("classroom.you") : t("classroom.visitor", { number: job.visitor });
  const stop = el(
    "button",
    {
      type: "button",
      class: "small",
      title: t("queue.stop"),
      "aria-label": t("classroom.stop", { who }),
      disabled: Boolean(job.stopping),
      onclick: () => end(job.id),
    },
    icon(icons.cross),
  );
  return el(
    "li",
    { class: "job", "data-id": job.id, "data-state": job.state },
    el("span", { class: "who" }, who),
    el("span", { class: "prompt", title: title(job) }, title(job)),
    el("span", { class: "meta" }, standing(job)),
    stop,
  );
}

async function refresh() {
  clearTimeout(timer);
  if (!me?.shared || !me.owner) return;
  timer = setTimeout(refresh, EVERY);
  if (document.hidden) return;
  const answer = await api("jobs?all=1").catch(() => null); // the page says elsewhere that the studio is gone
  if (answer) jobs = answer.jobs.filter((/** @type {Job} */ job) => !over(job));
  emit("classroom");
}
/** @param {string} id */
async function end(id) {
  try {
    await api(`jobs/${id}`, { method: "DELETE" });
  } catch (error) {
    complain(wording(error));
  }
  refresh();
}

/** @param {HTMLElement} root */
export function mountClassroom(root) {
  const heading = el("h2"),
    note = el("p", { class: "help" }),
    list = el("ol", { id: "classroom-list", class: "jobs" });
  const section = el("section", { class: "queue", hidden: true }, heading, note, list);
  root.replaceChildren(section);
  function render() {
    section.hidden = !me?.shared;
    if (!me?.shared) return;
    const held = /** @type {HTMLElement | null | undefined} */ (focused()?.closest("#classroom-list .job"))?.dataset.id;
    heading.textContent = t("classroom");
    heading.hidden = list.hidden = !me.owner;
    note.hidden = me.owner && jobs.length > 0;
    note.textContent = me.owner ? t("classroom.nobody") : t("classroom.number", { number: me.number });
    list.replaceChildren(...jobs.map(row));
    const again = `[data-id="${CSS.escape(held ?? "")}"] button`;
    if (held) /** @type {HTMLElement | null} */ (list.querySelector(again))?.focus();
  }
  on("me", render);
  on("classroom", render);
  on("language", render);
  render();
}

on("started", async () => {
  me = await api("me").catch(() => null);
  if (!me) return;
  emit("me", me);
  refresh();
});
