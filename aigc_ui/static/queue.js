// My jobs that wait or run: their order, and buttons to change it.
import { el, focused, icon, icons } from "./dom.js";
import { titled } from "./job_title.js";
import { on } from "./events.js";
import { moveJob, removeJob, stopJob, watchJob } from "./jobs.js";
import { placeInLine, timeLeft } from "./prospects.js";
import { over, state } from "./state.js";
import { t } from "./words.js";

const UP = "M3 10l5-5 5 5",
  DOWN = "M3 6l5 5 5-5",
  SQUARE = "M4 4h8v8H4z";

/** @param {string} key @param {string} path @param {boolean} disabled @param {() => void} act */
function button(key, path, disabled, act) {
  return el(
    "button",
    { type: "button", class: "small", title: t(key), "aria-label": t(key), disabled, onclick: act },
    icon(path),
  );
}

/** @param {import("./engine.d.ts").Job} job @param {number} place @param {number} count */
function row(job, place, count) {
  const running = job.state !== "waiting";
  const meta = [
    ...(running
      ? [t(job.stopping ? "state.stopping" : "state.running"), ...(job.stopping ? [] : timeLeft(job))]
      : placeInLine({ ...job, position: job.position ?? place })),
    !running && job.interruptions ? t("queue.again") : null,
    (job.request.count ?? 1) > 1 ? t("pictures", { count: job.request.count }) : null,
  ]
    .filter(Boolean)
    .join(" · ");
  return el(
    "li",
    { class: "job", "data-id": job.id, "data-state": job.state, "aria-current": String(job.id === state.watched) },
    el(
      "button",
      { type: "button", class: "name", title: t("queue.watch"), onclick: () => watchJob(job.id) },
      el("span", { class: "prompt" }, titled(job.generator, job.request)),
      el("span", { class: "meta" }, meta),
    ),
    !running && button("queue.up", UP, place === 0, () => moveJob(job.id, place - 1)),
    !running && button("queue.down", DOWN, place === count - 1, () => moveJob(job.id, place + 1)),
    running
      ? button("queue.stop", SQUARE, Boolean(job.stopping), () => stopJob(job.id))
      : button("queue.remove", icons.cross, false, () => removeJob(job.id)),
  );
}

/** @param {HTMLElement} root */
export function mountQueue(root) {
  const title = el("h2"),
    list = el("ol", { id: "queue-list" });
  const section = el("section", { class: "queue" }, title, list);
  root.replaceChildren(section);
  function render() {
    const running = state.jobs.filter((job) => job.state !== "waiting" && !over(job));
    const waiting = state.jobs
      .filter((job) => job.state === "waiting")
      .sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    const active = focused(),
      id = /** @type {HTMLElement | null | undefined} */ (active?.closest("#queue-list .job"))?.dataset.id,
      label = active?.getAttribute("aria-label");
    section.hidden = !running.length && !waiting.length;
    title.textContent = t("queue");
    list.replaceChildren(
      ...running.map((job) => row(job, 0, 0)),
      ...waiting.map((job, place) => row(job, place, waiting.length)),
    );
    const again = `[data-id="${CSS.escape(id ?? "")}"] [aria-label="${CSS.escape(label ?? "")}"]`;
    if (id) /** @type {HTMLElement | null} */ (list.querySelector(again))?.focus();
  }
  on("jobs", render);
  on("watch", render);
  on("job", render);
  on("language", render);
  render();
}
