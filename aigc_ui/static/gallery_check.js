// Whether a picture comes out the same again: a job makes it once more, and its notes say what was found.
import { el } from "./dom.js";
import { api, post } from "./http.js";
import { remark, wording } from "./sentences.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryPicture} Picture */

const EVERY = 600; // milliseconds

/**
 * The buttons beside a picture with one more, and a line for what it finds.
 * @param {ReturnType<typeof import("./gallery_acts.js").createActs>} acts
 * @param {() => { picture: Picture | undefined, recipe: import("./types.d.ts").Recipe }} now what is shown
 */
export function withCheck(acts, now) {
  const check = createCheck(now);
  acts.remove.before(check.button);
  return {
    node: el("div", { class: "gallery-acts" }, acts.node, check.line),
    clear: check.clear,
    say: () => {
      acts.say();
      check.say();
    },
    offer: () => {
      acts.offer();
      check.button.hidden = now().recipe.generator !== "text-to-image";
    },
  };
}

/** @param {() => { picture: Picture | undefined }} now */
function createCheck(now) {
  const line = el("p", { class: "help", role: "status", hidden: true }),
    button = el("button", { type: "button", "data-act": "check", onclick: () => (running ? end() : start()) });
  let [turn, running] = [0, ""]; // the job that is under way
  let words = () => "";
  /** @param {() => string} what */
  function tell(what) {
    words = what;
    line.hidden = false;
    line.textContent = words();
  }
  async function start() {
    const { picture } = now();
    const mine = ++turn;
    if (!picture) return;
    tell(() => t("reproduce.waiting"));
    try {
      let job = await post("jobs", { generator: "reproduction", request: { picture: picture.id } });
      if (mine !== turn) return void end(job.id);
      running = job.id;
      say();
      while (mine === turn && (job.state === "waiting" || job.state === "running")) {
        await new Promise((resolve) => setTimeout(resolve, EVERY));
        job = await api(`jobs/${encodeURIComponent(job.id)}`);
        if (mine === turn) tell(progressOf(job));
      }
    } catch (error) {
      if (mine === turn) tell(wording(error));
    }
    if (mine === turn) running = "";
    say();
  }
  /** Its job says that it has stopped. */
  const end = (id = running) => api(`jobs/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => null);
  function say() {
    button.textContent = t(running ? "stop" : "reproduce");
    if (!line.hidden) line.textContent = words();
  }
  return {
    button,
    line,
    say,
    /** Another picture is shown, and nobody waits for this one any more. */
    clear: () => {
      if (running) end();
      [turn, running, line.hidden] = [turn + 1, "", true];
    },
  };
}

/** @param {{ state: string, progress: { step: number, total: number }, notes: string[], error: any }} job @returns {() => string} */
function progressOf({ state, progress, notes, error }) {
  if (state === "waiting") return () => t("reproduce.waiting");
  if (state === "running") return () => t("reproduce.running", { step: progress.step, total: progress.total });
  if (state === "cancelled") return () => t("reproduce.stopped");
  if (error) return wording({ sentence: error });
  return () => notes.map(remark).join(" ");
}
