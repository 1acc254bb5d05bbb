// Digits out of noise, in pixels: every step, the guess beside it, and the training pictures that lie nearest.
import { decode, el, ontoApart } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { createBench, whole } from "./lab.js";
import { createPlayer } from "./player.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").DigitsRequest} Values
 * @typedef {import("./types.d.ts").DigitsAnswer} Answer
 */

const WIDE = 800; // of a film's rows, in pixels

/** @type {(keyof Values)[]} */
const CONTROLS = [
  "model",
  "sampler",
  "variance",
  "eta",
  "label",
  "guidance_scale",
  "num_inference_steps",
  "clip_denoised",
  "shift",
  "seed",
];

/** @param {HTMLElement} root */
export function mountLabDigits(root) {
  const rows = createRows();
  const player = createPlayer(
    { play: "digits-play", range: "digits-step" },
    { show: (place) => go(place), pause: () => 120 },
  );
  const { play, range } = player;
  const where = el("output", { class: "figures" }),
    verdict = el("p", { id: "digits-verdict" }),
    space = el("p", { class: "help" });
  const films = createSheetFilms("digits", () => filmOf(answer), player.pace);
  const stage = el(
    "div",
    { class: "bench-main" },
    el("div", { class: "plane-line" }, play, range, where, films),
    ...rows.nodes,
    verdict,
    space,
  );
  /** @type {Answer | null} */
  let answer = null;
  /** @type {number} the step that is looked at, Infinity for the last of any number */
  let step = Infinity;

  createBench(root, {
    id: "bench-digits",
    experiment: "digits",
    stage,
    look: {
      read: () => ({ step: +range.value }),
      take: (look) => {
        step = whole(look.step, 0, Infinity, Infinity);
      },
    },
    controls: CONTROLS,
    show: async (/** @type {Answer} */ next, /** @type {Values} */ _asked) => {
      await rows.take(next);
      answer = next;
      range.max = String(next.x.length - 1);
      go(Math.min(step, next.x.length - 1));
      say();
    },
    shown: fit,
  });

  /** @param {number} i */
  function go(i) {
    if (!answer) return;
    step = i >= answer.x.length - 1 ? Infinity : i;
    range.value = String(i);
    rows.paint(i);
    where.textContent = stepOf(answer, i);
  }
  function say() {
    rows.say();
    space.textContent = t("lab.space.digits");
    if (answer) verdict.textContent = verdictOn(answer);
  }
  on("language", say);
  say();
}

/** Not every model has every variance, nor every sampler. @param {Values} values @param {import("./types.d.ts").Parts} parts */
function fit(values, parts) {
  if (values.variance === "learned_range" && values.model !== "learned") {
    values.variance = "fixed_small";
    parts.variance?.set("fixed_small");
  }
  parts.variance.node.hidden = values.sampler === "ddim";
  parts.eta.node.hidden = values.sampler !== "ddim";
}

/** Three rows of ten digits: a step, its guess, and the nearest training pictures of the last. */
function createRows() {
  const [x, x0, nearest] = ["x", "x0", "nearest"].map((id) => row(`digits-${id}`));
  /** @type {{ x: ImageBitmap[], x0: ImageBitmap[] }} */
  let frames = { x: [], x0: [] };
  return {
    nodes: [x.node, x0.node, nearest.node],
    /** Decodes an answer's pictures. @param {Answer} next */
    take: async (next) => {
      const all = [next.x, next.x0, next.nearest].map((pictures) => Promise.all(pictures.map(decode)));
      const [xs, x0s, nearests] = await Promise.all(all);
      for (const bitmap of [...frames.x, ...frames.x0]) bitmap.close();
      frames = { x: xs, x0: x0s };
      ontoApart(nearest.canvas, nearests[0], nearests[0].height);
    },
    /** @param {number} i */
    paint: (i) => {
      ontoApart(x.canvas, frames.x[i], frames.x[i].height);
      ontoApart(x0.canvas, frames.x0[i], frames.x0[i].height);
    },
    say: () => {
      x.name.textContent = t("live.x");
      x0.name.textContent = t("live.x0");
      nearest.name.textContent = t("lab.nearest");
      for (const { canvas, name } of [x, x0, nearest]) canvas.setAttribute("aria-label", name.textContent ?? "");
    },
  };
}
/** @param {string} id */
function row(id) {
  const canvas = el("canvas", { id, role: "img" }),
    name = el("figcaption");
  return { node: el("figure", { class: "digits" }, name, canvas), name, canvas };
}

/** @param {Answer} answer @param {number} i */
const stepOf = ({ steps }, i) => t("live.step", { step: steps[i], total: steps[steps.length - 1] });

/** @param {Answer | null} answer */
async function* filmOf(answer) {
  if (!answer) return;
  for (let i = 0; i < answer.x.length; i++) {
    const tiles = [
      { name: t("live.x"), picture: await decode(answer.x[i]) },
      { name: t("live.x0"), picture: await decode(answer.x0[i]) },
    ];
    yield drawSheet({ title: stepOf(answer, i), tiles, columns: 1, wide: WIDE, crisp: true });
  }
}

/** How many are read as what was asked for, and how near they lie to training pictures. @param {Answer} answer */
function verdictOn(answer) {
  const right = answer.read_as.filter((label, i) => label === answer.asked[i]).length;
  const gap = answer.gaps.reduce((sum, g) => sum + g, 0) / answer.gaps.length;
  return t("lab.verdict", {
    right,
    all: answer.asked.length,
    gap: figure(gap),
    real: figure(answer.gap_of_data),
  });
}
