// Painting with mouse, finger and pen alike; the far end of a pen erases.
import { apply } from "./mask.js";

/**
 * @typedef {import("./mask.js").Stroke & { pointer: number }} Stroke
 * @typedef {{ scale: () => number, moving: () => boolean }} View
 * @typedef {{ wide: () => number, erasing: () => boolean, colour: () => string | undefined }} Brush how wide in pixels of the mask
 * @typedef {{ add: (operation: import("./mask.js").Operation) => void, redraw: () => void }} History
 */

const ERASER = 5; // the button that the far end of a pen presses

/**
 * Where an event is in pixels of the mask.
 * @param {HTMLCanvasElement} canvas
 * @param {PointerEvent} event
 * @returns {import("./mask.js").Place}
 */
function placeOn(canvas, event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [((event.clientX - left) / width) * canvas.width, ((event.clientY - top) / height) * canvas.height];
}
/**
 * The ring shows where the brush would paint.
 * @param {HTMLElement} ring
 * @param {HTMLCanvasElement} canvas
 * @param {PointerEvent} event
 * @param {number} wide
 * @param {number} zoom
 */
function aim(ring, canvas, event, wide, zoom) {
  const { left, top, width } = canvas.getBoundingClientRect();
  const across = (wide / canvas.width) * (width / zoom);
  Object.assign(ring.style, {
    width: `${across}px`,
    height: `${across}px`,
    left: `${(event.clientX - left) / zoom}px`,
    top: `${(event.clientY - top) / zoom}px`,
  });
}

/**
 * `end()` forgets a stroke that was not let go.
 * @param {{ canvas: HTMLCanvasElement, ring: HTMLElement }} parts
 * @param {View} view
 * @param {Brush} brush
 * @param {History} history
 */
export function paintOn({ canvas, ring }, view, { wide, erasing, colour }, history) {
  /** @type {Stroke | null} */
  let stroke = null;
  /** @param {PointerEvent} event */
  const show = (event) => aim(ring, canvas, event, wide(), view.scale());
  // A second finger makes a pinch of what had begun as a stroke.
  function drop() {
    if (!stroke) return;
    stroke = null;
    history.redraw();
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (view.moving()) return drop();
    if (stroke || (event.button !== 0 && event.button !== ERASER)) return;
    canvas.setPointerCapture(event.pointerId);
    const erase = erasing() || event.button === ERASER;
    const points = [placeOn(canvas, event)];
    stroke = { kind: "stroke", pointer: event.pointerId, points, size: wide(), erase, colour: colour() };
    apply(canvas, stroke);
    ring.hidden = false;
    show(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    ring.hidden = event.pointerType === "touch" && !stroke;
    show(event);
    if (stroke?.pointer !== event.pointerId) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    const points = (passed.length ? passed : [event]).map((one) => placeOn(canvas, one));
    apply(canvas, { ...stroke, points: [...stroke.points.slice(-1), ...points] });
    stroke.points.push(...points);
  });
  /** @param {PointerEvent} event */
  const lift = (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    const finished = stroke;
    stroke = null;
    ring.hidden = event.pointerType === "touch";
    history.add(finished);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => {
    if (!stroke) ring.hidden = true;
  });
  return {
    end: () => {
      stroke = null;
    },
  };
}
