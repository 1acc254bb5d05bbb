// Painting on a step: the guess at it, what is painted there in colour, and the studio's ids of both.
import { el } from "./dom.js";
import { upload } from "./http.js";
import { paintColours } from "./mask_field.js";
import { complain } from "./message.js";
import { cut } from "./panes.js";
import { wording } from "./sentences.js";

/** @typedef {import("./engine.d.ts").Frame} Frame */

const EASEL = 768; // pixels of the longer side of what is painted

/** The guess at a step as a picture to paint on. @param {Frame} frame @param {number} index @param {number} count */
async function guessOf(frame, index, count) {
  const bitmaps = await cut(frame.x0, count);
  const { width, height } = bitmaps[index],
    canvas = el("canvas", { width, height });
  canvas.getContext("2d")?.drawImage(bitmaps[index], 0, 0);
  bitmaps.forEach((bitmap) => bitmap.close());
  return { address: canvas.toDataURL(), width, height };
}

/** Long enough for fine strokes, whatever the preview has. @param {number} width @param {number} height */
function easelOf(width, height) {
  const scale = Math.max(1, EASEL / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * @param {() => { frame: Frame | undefined, index: number, count: number }} looked at: a step, and which of its pictures
 * @param {(painted: { paint: string, mask: string }) => void} done
 */
export function createPaintButton(looked, done) {
  const button = el("button", { type: "button", id: "branch-paint", class: "quiet" });
  button.addEventListener("click", async () => {
    const { frame, index, count } = looked();
    if (!frame) return;
    try {
      const guess = await guessOf(frame, index, count);
      const painted = await paintColours(guess.address, easelOf(guess.width, guess.height));
      if (!painted) return;
      const [colour, where] = await Promise.all([upload(painted.colour), upload(painted.where)]);
      done({ paint: colour.id, mask: where.id });
    } catch (error) {
      complain(wording(error));
    }
  });
  return button;
}
