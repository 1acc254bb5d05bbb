// Quiet lines below the button: advice on the settings, then the sizes of a picture that is painted in passes, how much
// memory it will need, where that is worth a word, and what a model that paints through the bridge cannot use.
import { createAdvice } from "./advice.js";
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
 *   sizes: [number, number][], advice: import("./advice.js").Advice,
 * }} Estimate in bytes; how the model lies in memory; the pipeline that it crosses the bridge to, and what that ignores;
 * width and height of each pass
 */

/** @type {Estimate | null} */
let estimate = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;

/** @param {number} bytes */
const amount = (bytes) => (bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
/** @param {Estimate} estimate */
const passes = ({ sizes }) => (sizes.length > 1 ? sizes.map(([wide, high]) => `${wide}×${high}`).join(" → ") : "");
/** @param {Estimate} estimate */
function memory({ embedded, ...estimate }) {
  return embedded && estimate.way === "whole" ? "" : sentence(estimate);
}
/** @param {Omit<Estimate, "embedded">} estimate */
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
  const advice = createAdvice();
  root.replaceChildren(advice.node, line);
  const render = () => {
    line.textContent = estimate ? [passes(estimate), memory(estimate)].filter(Boolean).join(" · ") : "";
    line.hidden = !line.textContent;
    line.classList.toggle("warn", estimate?.way === "none");
    advice.show(estimate?.advice ?? null);
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
  on("sentences", render);
}
