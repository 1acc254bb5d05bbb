// A mask or a painting on a canvas: operations that draw it, and the way to a PNG and back. Opaque pixels count.
import { el } from "./dom.js";
import { fromMask, toMask, toPaint } from "./mask_pixels.js";

/**
 * @typedef {[number, number]} Place in pixels of the mask
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ kind: "stroke", points: Place[], size: number, erase: boolean, colour?: string }} Stroke
 * @typedef {{ kind: "kept", pixels: ImageData } | { kind: "fill" | "clear" | "invert", colour?: string } | Stroke}
 *   Operation
 */

const INK = "#e11d48";

/** @param {HTMLCanvasElement} canvas */
function penOf(canvas) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("This browser draws on no canvas.");
  return pen;
}
/** @param {CanvasRenderingContext2D} pen @param {Stroke} stroke */
function draw(pen, { points, size, erase }) {
  pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
  pen.lineWidth = size;
  pen.beginPath();
  pen.arc(...points[0], size / 2, 0, 2 * Math.PI); // a click is a line of no length, which a canvas leaves out
  pen.fill();
  pen.beginPath();
  pen.moveTo(...points[0]);
  points.forEach((point) => pen.lineTo(...point));
  pen.stroke();
}
/** @param {CanvasRenderingContext2D} pen @param {Operation} operation */
function perform(pen, operation) {
  const { width, height } = pen.canvas;
  if (operation.kind === "stroke") draw(pen, operation);
  else if (operation.kind === "kept") pen.putImageData(operation.pixels, 0, 0);
  else if (operation.kind === "clear") pen.clearRect(0, 0, width, height);
  else {
    if (operation.kind === "invert") pen.globalCompositeOperation = "xor";
    pen.fillRect(0, 0, width, height);
  }
}
/** @param {HTMLCanvasElement} canvas @param {Operation} operation */
export function apply(canvas, operation) {
  const pen = penOf(canvas),
    ink = ("colour" in operation && operation.colour) || INK;
  pen.save();
  Object.assign(pen, { fillStyle: ink, strokeStyle: ink, lineCap: "round", lineJoin: "round" });
  perform(pen, operation);
  pen.restore();
}

/** What is drawn on a canvas as the PNG of a mask; null when nothing is painted. @param {HTMLCanvasElement} drawing */
export const exported = (drawing) => changed(drawing, toMask);
/** Its colours as an opaque PNG; null when nothing is painted. @param {HTMLCanvasElement} drawing */
export const exportedPaint = (drawing) => changed(drawing, toPaint);

/** @param {HTMLCanvasElement} drawing @param {(data: Uint8ClampedArray) => boolean} change whether anything is painted */
async function changed(drawing, change) {
  const { width, height } = drawing;
  const pixels = penOf(drawing).getImageData(0, 0, width, height);
  if (!change(pixels.data)) return null;
  const canvas = el("canvas", { width, height });
  penOf(canvas).putImageData(pixels, 0, 0);
  return new Promise((/** @type {(png: Blob | null) => void} */ done) => {
    canvas.toBlob(done, "image/png");
  });
}

/** The way back, for a mask that the studio kept. @param {Blob} blob @param {Size} size */
export async function imported(blob, { width, height }) {
  const pen = penOf(el("canvas", { width, height })),
    bitmap = await createImageBitmap(blob);
  pen.drawImage(bitmap, 0, 0, width, height);
  const pixels = pen.getImageData(0, 0, width, height);
  fromMask(
    pixels.data,
    [1, 3, 5].map((place) => parseInt(INK.slice(place, place + 2), 16)),
  );
  return pixels;
}
