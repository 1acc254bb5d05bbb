// A mask on a canvas: operations that draw it, and the way to a PNG and back. Opaque pixels are painted anew.
import { el } from "./dom.js";
import { fromMask, toMask } from "./mask_pixels.js";

const INK = "#e11d48";

const OPERATIONS = {
  kept: (pen, { pixels }) => pen.putImageData(pixels, 0, 0),
  fill: (pen) => pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height),
  clear: (pen) => pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height),
  invert(pen) {
    pen.globalCompositeOperation = "xor";
    pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  },
  stroke(pen, { points, size, erase }) {
    pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
    pen.lineWidth = size;
    pen.beginPath();
    pen.arc(...points[0], size / 2, 0, 2 * Math.PI); // a click is a line of no length, which a canvas leaves out
    pen.fill();
    pen.beginPath();
    pen.moveTo(...points[0]);
    points.forEach((point) => pen.lineTo(...point));
    pen.stroke();
  },
};
export function apply(canvas, operation) {
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.save();
  Object.assign(pen, { fillStyle: INK, strokeStyle: INK, lineCap: "round", lineJoin: "round" });
  OPERATIONS[operation.kind](pen, operation);
  pen.restore();
}

// A drawing's pixels as the PNG of a mask; null when nothing is painted.
export async function exported({ width, height }, pixels) {
  if (!toMask(pixels.data)) return null;
  const canvas = el("canvas", { width, height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return new Promise((done) => {
    canvas.toBlob(done, "image/png");
  });
}

// The way back, for a mask that the studio kept.
export async function imported(blob, { width, height }) {
  const pen = el("canvas", { width, height }).getContext("2d"),
    bitmap = await createImageBitmap(blob);
  pen.drawImage(bitmap, 0, 0, width, height);
  const pixels = pen.getImageData(0, 0, width, height);
  fromMask(
    pixels.data,
    [1, 3, 5].map((place) => parseInt(INK.slice(place, place + 2), 16)),
  );
  return pixels;
}
