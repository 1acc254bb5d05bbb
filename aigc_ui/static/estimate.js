// A quiet line below the button: how much memory the picture will need, where that is worth a word; and what a model
// that paints through the bridge cannot use.
import { el } from "./dom.js";
import { on } from "./events.js";
import { post } from "./http.js";
import { t } from "./words.js";

const WAIT = 300; // while somebody drags a slider
/** @type {Record<string, string>} */
const GROUPS = { hires_scale: "group.hires", tile: "group.tile", variation_strength: "group.variation" };

/**
 * @typedef {{
 *   needed: number, free: number, way: string, embedded: boolean, pipeline: string, untold: string[],
 * }} Estimate in bytes; how the model lies in memory; the pipeline that it crosses the bridge to, and what that ignores
 */

/** @type {Estimate | null} */
let estimate = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;

/** @param {number} bytes */
const amount = (bytes) => (bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
/** @param {Estimate} estimate */
function sentence({ needed, free, way, pipeline, untold }) {
  const size = t("estimate", { needed: amount(needed), free: amount(free) });
  const memory = way === "whole" ? size : size + t(`estimate.${way}`);
  if (!pipeline) return memory;
  const fields = untold.map((name) => t(GROUPS[name] ?? `field.${name}`)).join(" · ");
  return `${memory}; ${t("estimate.bridge", { pipeline, fields })}`;
}

/** @param {HTMLElement} root */
export function mountEstimate(root) {
  const line = el("p", { id: "estimate-line", class: "help", role: "status", hidden: true });
  root.replaceChildren(line);
  const render = () => {
    const worthAWord = estimate && (!estimate.embedded || estimate.way !== "whole") ? estimate : null;
    line.hidden = !worthAWord;
    line.classList.toggle("warn", worthAWord?.way === "none");
    line.textContent = worthAWord ? sentence(worthAWord) : "";
  };
  /** @param {Partial<import("./engine.d.ts").RequestFields>} request */
  async function ask(request) {
    const mine = ++turn;
    const answer = await post("estimate", { request }).catch(() => null); // what is wrong is said when it is asked for
    if (mine !== turn) return;
    estimate = answer;
    render();
  }
  on("sized", (request) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(request), WAIT);
  });
  on("language", render);
}
