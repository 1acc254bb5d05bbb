// Panes that show pictures of a run, and the sheets that a batch of them comes as.
import { context, decode, el, onto } from "./dom.js";
import { tiled } from "./sheet_places.js";
import { language, t } from "./words.js";

const FADE = 350; // ms from what was shown to the picture that takes its place

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
 * Draws pictures as a grid that fills the canvas; where each lies, in pixels of the page.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap[]} bitmaps
 * @param {boolean} smooth
 */
function paint(canvas, bitmaps, smooth) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale),
    height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return [];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = context(canvas);
  pen.clearRect(0, 0, width, height);
  const places = tiled(bitmaps.length, bitmaps[0], { width, height }, Math.round(4 * scale));
  pen.imageSmoothingEnabled = smooth || places[0].width < bitmaps[0].width;
  pen.imageSmoothingQuality = "high";
  places.forEach((place, i) => pen.drawImage(bitmaps[i], place.x, place.y, place.width, place.height));
  return places.map((place) => ({
    x: place.x / scale,
    y: place.y / scale,
    width: place.width / scale,
    height: place.height / scale,
  }));
}

/** What a canvas shows now goes slowly while it is painted anew. @param {HTMLCanvasElement} canvas */
function fade(canvas) {
  if (!canvas.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const ghost = el("canvas", { class: "ghost", "aria-hidden": "true" });
  onto(ghost, canvas);
  canvas.after(ghost);
  ghost.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE, easing: "ease-out" }).onfinish = () =>
    ghost.remove();
}

/** @param {string} id of its canvas */
export function createPane(id) {
  const canvas = el("canvas", { id, role: "img" });
  const name = el("b"),
    help = el("span", { class: "help" });
  let label = "",
    places = /** @type {ReturnType<typeof paint>} */ ([]);
  const stage = el("div", { class: "stage" }, canvas);
  const node = el("figure", { class: "pane", "data-pane": id }, stage, el("figcaption", {}, name, help));
  return {
    node,
    stage,
    canvas,
    /** @param {ImageBitmap[]} bitmaps @param {boolean} smooth @param {boolean} [slowly] from what is shown now */
    show: (bitmaps, smooth, slowly = false) => {
      if (slowly) fade(canvas);
      places = paint(canvas, bitmaps, smooth);
      canvas.dataset.shown = "true";
    },
    /** @param {ImageBitmap[]} bitmaps */
    wash: (bitmaps) => paint(canvas, bitmaps, false),
    clear: () => {
      places = [];
      context(canvas).clearRect(0, 0, canvas.width, canvas.height);
      delete canvas.dataset.shown;
    },
    /** Which of the pictures lies under the pointer, -1 for none. @param {MouseEvent} event */
    under: ({ offsetX, offsetY }) =>
      places.findIndex(
        ({ x, y, width, height }) => offsetX >= x && offsetX < x + width && offsetY >= y && offsetY < y + height,
      ),
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
