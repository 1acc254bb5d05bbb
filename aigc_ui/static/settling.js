// Over the scrubber: how far the network's guess still was from the end, and when the picture was decided.
import { decode, el } from "./dom.js";
import { distances, settledAt } from "./settling_measure.js";
import { mark } from "./plot_drawing.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/** @typedef {import("./engine.d.ts").Frame} Frame */

const SIDE = 48, // of what is compared, in pixels: structure counts, not grain
  HALF = 0.5,
  LEFT = 0.1; // of the way: then it is nearly decided

/** The pixels of a sheet of guesses, small. @param {string} source @param {CanvasRenderingContext2D} pen */
async function small(source, pen) {
  const bitmap = await decode(source);
  pen.drawImage(bitmap, 0, 0, SIDE, SIDE);
  bitmap.close();
  return pen.getImageData(0, 0, SIDE, SIDE).data;
}

/** @param {Frame[]} frames */
async function measured(frames) {
  const pen = el("canvas", { width: SIDE, height: SIDE }).getContext("2d", { willReadFrequently: true });
  if (!pen) return [];
  const pixels = [];
  for (const { x0 } of frames) pixels.push(await small(x0, pen));
  return distances(pixels);
}

export function createSettling() {
  const area = mark("path"),
    line = mark("line"),
    svg = mark("svg", { preserveAspectRatio: "none", "aria-hidden": "true" }); // said in words below
  svg.append(area, line);
  const words = el("p", { id: "live-settled", class: "help" });
  const node = el("div", { class: "settling", hidden: true }, svg);
  words.hidden = true;
  /** @type {Frame[]} */
  let shown = [];
  /** @type {{ half: Frame, nearly: Frame } | null} */
  let settled = null;
  const measure = newest(async (/** @type {Frame[]} */ frames) => {
    const far = await measured(frames);
    if (frames === shown) draw(far);
  });

  /** @param {number[]} far */
  function draw(far) {
    const most = Math.max(...far),
      last = far.length - 1;
    node.hidden = words.hidden = !(most > 0) || last < 2;
    if (node.hidden) return;
    const at = settledAt(far, LEFT);
    settled = { half: shown[settledAt(far, HALF)], nearly: shown[at] };
    svg.setAttribute("viewBox", `0 0 ${last} 1`);
    const places = far.map((each, i) => `${i},${(1 - each / most).toFixed(4)}`);
    area.setAttribute("d", `M0,1 L${places.join(" L")} L${last},1 Z`);
    for (const [name, value] of Object.entries({ x1: at, x2: at, y1: 0, y2: 1 }))
      line.setAttribute(name, String(value));
    say();
  }
  function say() {
    if (!settled) return;
    const { half, nearly } = settled;
    words.textContent = t("settling", { half: half.index, step: nearly.index, total: nearly.total });
  }
  return {
    node,
    words,
    say,
    /** All steps of a job that is over; fewer than four have nothing to tell. @param {Frame[]} frames */
    show(frames) {
      shown = frames;
      settled = null;
      node.hidden = words.hidden = true;
      if (frames.length > 3 && frames.every(({ x0 }) => x0)) measure(frames);
    },
  };
}
