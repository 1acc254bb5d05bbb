// Panes that show pictures of a run, and the sheets that a batch of them comes as.
import { decode, el } from "./dom.js";
import { language, t } from "./words.js";

/** @typedef {ReturnType<typeof createPane>} Pane */

/**
 * A batch comes as one sheet, row by row, as square as it goes; these are its pictures.
 * @param {string} source
 * @param {number} count
 * @returns {Promise<ImageBitmap[]>}
 */
export async function cut(source, count) {
  const sheet = await decode(source);
  if (count < 2) return [sheet];
  const columns = Math.ceil(Math.sqrt(count)),
    rows = Math.ceil(count / columns);
  const w = sheet.width / columns,
    h = sheet.height / rows;
  const tiles = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      createImageBitmap(sheet, (i % columns) * w, Math.floor(i / columns) * h, w, h),
    ),
  );
  sheet.close();
  return tiles;
}

/**
 * Draws pictures as a grid that fills the canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap[]} bitmaps
 * @param {boolean} smooth
 */
function paint(canvas, bitmaps, smooth) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale),
    height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.clearRect(0, 0, width, height);
  const columns = Math.ceil(Math.sqrt(bitmaps.length)),
    rows = Math.ceil(bitmaps.length / columns);
  const gap = bitmaps.length > 1 ? Math.round(4 * scale) : 0;
  const { width: w, height: h } = bitmaps[0];
  const zoom = Math.min((width - gap * (columns - 1)) / (columns * w), (height - gap * (rows - 1)) / (rows * h));
  const left = (width - columns * w * zoom - gap * (columns - 1)) / 2;
  const top = (height - rows * h * zoom - gap * (rows - 1)) / 2;
  pen.imageSmoothingEnabled = smooth || zoom < 1;
  pen.imageSmoothingQuality = "high";
  bitmaps.forEach((bitmap, i) => {
    const x = left + (i % columns) * (w * zoom + gap),
      y = top + Math.floor(i / columns) * (h * zoom + gap);
    pen.drawImage(bitmap, Math.round(x), Math.round(y), Math.round(w * zoom), Math.round(h * zoom));
  });
}

/** @param {string} id of its canvas */
export function createPane(id) {
  const canvas = el("canvas", { id, role: "img" });
  const name = el("b"),
    help = el("span", { class: "help" });
  let label = "";
  const node = el("figure", { class: "pane" }, el("div", { class: "stage" }, canvas), el("figcaption", {}, name, help));
  return {
    node,
    /** @param {ImageBitmap[]} bitmaps @param {boolean} smooth */
    show: (bitmaps, smooth) => {
      paint(canvas, bitmaps, smooth);
      canvas.dataset.shown = "true";
    },
    /** @param {ImageBitmap[]} bitmaps */
    wash: (bitmaps) => paint(canvas, bitmaps, false),
    clear: () => {
      canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
      delete canvas.dataset.shown;
    },
    /** @param {string} key of its words */
    label: (key) => {
      if (label === key + language()) return;
      label = key + language();
      name.textContent = t(key);
      help.textContent = t(`${key}.help`);
      canvas.setAttribute("aria-label", t(key));
    },
  };
}

// What every picture starts from, as long as there is none.
export async function noise(size = 64) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const data = Uint8ClampedArray.from({ length: size * size * 4 }, (_, i) => (i % 4 === 3 ? 255 : 128 + 60 * normal()));
  return [await createImageBitmap(new ImageData(data, size))];
}
