// A distribution of one's own, drawn on the plane in coordinates of the square: only its shape counts.
import { el } from "./dom.js";
import { t } from "./words.js";

const MOST_STROKES = 1500;

/** @typedef {import("./types.d.ts").Place} Place */

/**
 * `changed()` is called as it is drawn, `turned()` when drawing begins or is left, `drawn(strokes)` when it is done.
 * @param {import("./types.d.ts").Plane} plane
 * @param {{ changed: () => void, turned: () => void, drawn: (strokes: Place[]) => void }} acts
 */
export function createSketch(plane, { changed, turned, drawn }) {
  const button = el("button", { type: "button", id: "plane-draw" });
  /** @type {Place[] | null} null while nothing is drawn */
  let strokes = null;
  let tooShort = false;

  /** @param {Place[] | null} next */
  function turn(next) {
    strokes = next;
    tooShort = false;
    turned();
  }
  plane.canvas.addEventListener("pointermove", (event) => {
    if (!strokes || !event.buttons || strokes.length >= MOST_STROKES) return;
    strokes.push(plane.place(event));
    changed();
  });
  plane.canvas.addEventListener("pointerup", () => {
    if (!strokes) return;
    if (new Set(strokes.map(String)).size < 2) {
      turn([]);
      tooShort = true;
      return turned();
    }
    const done = strokes;
    turn(null);
    drawn(done);
  });
  button.addEventListener("click", () => turn(strokes ? null : []));
  return {
    button,
    strokes: () => strokes,
    begin: () => turn([]),
    help: () => t(tooShort ? "lab.sketch.short" : "lab.sketch.help"),
    say: () => {
      button.textContent = t(strokes ? "lab.sketch.leave" : "lab.sketch");
    },
  };
}
