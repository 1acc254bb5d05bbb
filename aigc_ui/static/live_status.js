// The line below the live view: what is going on, how far it is and how long it will still take.
import { el } from "./dom.js";
import { stateName } from "./mending.js";
import { placeInLine } from "./prospects.js";
import { over } from "./state.js";
import { has, t } from "./words.js";

/** @typedef {import("./engine.d.ts").Job} Job @typedef {import("./engine.d.ts").Frame} Frame */

export function createStatusLine() {
  const status = el("span", { id: "live-status", role: "status" });
  const sigma = el("span", { id: "live-sigma", class: "figures" });
  const left = el("span", { id: "live-left", class: "figures" });
  const bar = el("progress", { id: "live-progress", max: 1, value: 0 });
  /** @type {Job | null} */
  let job = null;
  /** @param {number} step @param {number} total */
  const stepName = (step, total) =>
    step ? t("live.step", { step, total }) : t(job?.request?.image ? "live.noised" : "live.start", { total });

  /**
   * The frame that is looked at; what a reader of the screen is told of it.
   * @param {Pick<Frame, "index" | "total" | "sigma">} frame
   */
  function frame({ index, total, sigma: level }) {
    if (job && over(job)) status.textContent = stepName(index, total);
    sigma.textContent = level == null ? "" : `σ ${level >= 10 ? level.toFixed(1) : level.toFixed(3)}`;
    return `${stepName(index, total)}, σ ${level?.toFixed(3)}`;
  }
  /** @param {{ stage: string, done: number, total: number, seconds: number | null }} part */
  function progress({ done, total, seconds, stage }) {
    if (job?.stopping) return;
    if (total) {
      bar.max = total;
      bar.value = done;
    } else bar.removeAttribute("value");
    const named = stage !== "denoising" && has(`stage.${stage}`);
    status.textContent = named ? t(`stage.${stage}`) : done && total ? stepName(done, total) : t("state.starting");
    left.textContent = seconds != null && seconds > 0.5 ? t("live.left", { seconds: Math.ceil(seconds) }) : "";
  }
  /**
   * @param {Job | null} next
   * @param {boolean} framed its steps can be looked at, and the line then names the one that is
   */
  function follow(next, framed) {
    job = next;
    if (!job) {
      status.textContent = "";
      return;
    }
    if (job.state === "waiting") {
      status.textContent = [stateName(job), ...placeInLine(job)].join(" · ");
      bar.removeAttribute("value");
    }
    if (job.stopping) {
      status.textContent = t("state.stopping");
      left.textContent = "";
    }
    if (over(job)) {
      bar.max = 1;
      bar.value = 1;
      left.textContent = "";
      if (!framed || job.state !== "done") status.textContent = stateName(job);
    }
  }
  function clear() {
    sigma.textContent = left.textContent = "";
    bar.value = 0;
  }
  /** @param {string} key */
  const say = (key) => {
    status.textContent = t(key);
  };
  return { nodes: [status, sigma, left], bar, frame, progress, follow, clear, say };
}
