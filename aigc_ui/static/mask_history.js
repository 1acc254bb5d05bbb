// What was drawn, in order: undoing is drawing all but the last.
import { apply } from "./mask.js";

/** @typedef {import("./mask.js").Operation} Operation */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {(some: boolean, more: boolean) => void} changed whether there is something to undo, and to do again
 */
export function createHistory(canvas, changed) {
  /** @type {Operation[]} */
  let operations = [];
  /** @type {Operation[]} */
  let undone = [];
  function redraw() {
    apply(canvas, { kind: "clear" });
    operations.forEach((operation) => {
      apply(canvas, operation);
    });
    changed(operations.length > 0, undone.length > 0);
  }
  /** @param {Operation[]} from @param {Operation[]} to */
  function step(from, to) {
    const last = from.pop();
    if (last) to.push(last);
    redraw();
  }
  return {
    redraw,
    /** @param {Operation} operation */
    add(operation) {
      operations.push(operation);
      undone = [];
      redraw();
    },
    undo: () => step(operations, undone),
    redo: () => step(undone, operations),
    /** @param {Operation[]} first */
    begin(first) {
      operations = first;
      undone = [];
      redraw();
    },
  };
}
