// A job's events as they come: losses, snapshots, frames, progress, and its end, whatever that is; and the buttons of a
// job.
import { forTraining } from "./classroom.js";
import { el } from "./dom.js";
import { on as heed } from "./events.js";
import { api, listed, post, url } from "./http.js";
import { placeInLine } from "./prospects.js";
import { translated } from "./sentences.js";
import { over } from "./state.js";
import { t } from "./words.js";

const TRAININGS = ["family-training", "points-training"];

/**
 * @typedef {import("./engine.d.ts").Job} Job
 * @typedef {{
 *   loss?: (loss: import("./engine.d.ts").Loss) => void, progress?: (part: import("./engine.d.ts").Progress) => void,
 *   snapshot?: (snapshot: import("./engine.d.ts").Snapshot) => void,
 *   frame?: (frame: import("./engine.d.ts").Frame) => void,
 * }} Heard what takes the events of a job
 */

/** This visitor's job of that generator that waits or runs, as after a reload. @param {string} generator */
async function underWay(generator) {
  /** @type {Job[]} */
  const jobs = listed(await api("jobs"), "jobs");
  return jobs.find((job) => job.generator === generator && !over(job));
}
/** How a job stands that has not begun. @param {Pick<Job, "position" | "starts_in" | "ends_in" | "sharing">} job */
function waiting(job) {
  const { position } = job;
  if (position == null) return t("state.waiting");
  const before = position ? t("state.waiting.before", { before: position }) : t("state.waiting.next");
  return [before, ...placeInLine(job).slice(1)].join(" · ");
}

/**
 * `waiting` and `failed` take a sentence; `end` comes last, once.
 * @param {string} id
 * @param {Heard & { waiting: (text: string) => void, failed: (text: string) => void,
 *   end: (state: import("./engine.d.ts").JobState) => void }} heard
 */
export function followJob(id, heard) {
  /** @type {EventSource | null} */
  let source = new EventSource(url(`jobs/${id}/events`));
  /** @param {string} name @param {((detail: any) => void) | undefined} act */
  const on = (name, act) =>
    act &&
    source?.addEventListener(name, (event) => {
      if (event.data) act(JSON.parse(event.data));
    });
  /** @param {import("./engine.d.ts").JobState} state */
  const end = (state) => {
    if (!source) return;
    source.close();
    source = null;
    heard.end(state);
  };
  for (const name of /** @type {const} */ (["loss", "progress", "snapshot", "frame"])) on(name, heard[name]);
  on("error", async (error) => heard.failed(await translated(error)));
  on("state", (state) => {
    if (state.state === "waiting") heard.waiting(waiting(state));
    if (over(state)) end(state.state);
  });
  source.onerror = () => {
    // the browser tries again by itself, unless the job is gone
    if (source?.readyState === EventSource.CLOSED) {
      heard.failed(t("error.server"));
      end("failed");
    }
  };
  return () => {
    source?.close();
    source = null;
  };
}

/**
 * A button that starts a job of `generator` with `request()`, the one that stops it, how it stands, and what went
 * wrong. `begun(request)` is called when the job is there, `heard.end(state)` when it is over. `resume` looks for one
 * that was begun before a reload.
 * @param {string} id
 * @param {{
 *   generator: string, request: () => Record<string, any>, word: string, begun: (request: Record<string, any>) => void,
 *   heard: Heard & { end?: (state: import("./engine.d.ts").JobState) => void },
 * }} job
 */
export function createRunner(id, { generator, request, word, begun, heard }) {
  const view = createRunnerView(id, word),
    { start, stop, status, complain } = view,
    why = TRAININGS.includes(generator) ? [forTraining(start)] : [];
  /** @type {Job | null} */
  let job = null;
  let leave = () => {};

  /** @param {Job} next @param {Record<string, any>} asked what it was asked with */
  function attend(next, asked) {
    job = next;
    view.turn(true);
    begun(asked);
    leave();
    leave = followJob(next.id, {
      ...heard,
      waiting: (text) => {
        status.textContent = text;
      },
      failed: complain,
      end: (state) => {
        view.turn(false);
        if (state !== "done") status.textContent = state === "failed" ? "" : t(`state.${state}`);
        heard.end?.(state);
      },
    });
  }
  start.addEventListener("click", async () => {
    view.clear();
    start.disabled = true;
    status.textContent = t("state.waiting");
    const asked = request();
    try {
      attend(await post("jobs", { generator, request: asked }), asked);
    } catch (error) {
      complain(/** @type {Error} */ (error).message);
    } finally {
      start.disabled = false;
    }
  });
  stop.addEventListener("click", async () => {
    if (!job) return;
    status.textContent = t("state.stopping");
    try {
      await api(`jobs/${job.id}`, { method: "DELETE" });
    } catch (error) {
      complain(/** @type {Error} */ (error).message);
    }
  });
  /** `take` brings back what it was asked with, before its events come. @param {(request: Record<string, any>) => unknown} [take] */
  async function resume(take) {
    const before = await underWay(generator).catch(() => undefined);
    if (!before || view.running()) return;
    take?.(before.request);
    attend(before, before.request);
  }
  return {
    nodes: [view.line, ...why, view.alas],
    status,
    complain,
    resume,
    running: view.running,
    job: () => job?.id,
  };
}

/** The buttons of a job, how it stands, and what went wrong. @param {string} id @param {string} word on the first button */
function createRunnerView(id, word) {
  const start = el("button", { type: "button", class: "go", id: `${id}-start` }),
    stop = el("button", { type: "button", id: `${id}-stop`, hidden: true });
  const status = el("output", { class: "figures", id: `${id}-status`, role: "status" }),
    alas = el("p", { class: "alas", role: "alert", hidden: true });
  const say = () => {
    start.textContent = t(word);
    stop.textContent = t("stop");
  };
  heed("language", say);
  say();
  return {
    start,
    stop,
    status,
    alas,
    line: el("div", { class: "plane-line" }, start, stop, status),
    running: () => Boolean(start.hidden),
    /** @param {boolean} running */
    turn: (running) => {
      start.hidden = running;
      stop.hidden = !running;
    },
    /** @param {string} text */
    complain: (text) => {
      alas.textContent = text;
      alas.hidden = false;
      status.textContent = "";
    },
    clear: () => {
      alas.hidden = true;
    },
  };
}
