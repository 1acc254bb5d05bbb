// Films: three buttons that save steps as a moving picture, and the sheet that a bench of the lab draws for every step.
import { context, el } from "./dom.js";
import { on } from "./events.js";
import { file, posted } from "./http.js";
import { colour } from "./plot_drawing.js";
import { saveAs } from "./plot_files.js";
import { t } from "./words.js";

/** @type {Record<string, string>} */
const KINDS = { webp: "WebP", gif: "GIF", mp4: "MP4" };
const EDGE = 8,
  LINE = 22,
  FONT = "13px system-ui, sans-serif";

/**
 * `make(kind)` gives a film's bytes; `name()` names its file, without the ending.
 * @param {string} id @param {{ name: () => string, make: (kind: string) => Promise<Blob> }} film
 */
export function createFilms(id, { name, make }) {
  const buttons = Object.entries(KINDS).map(([kind, text]) =>
    el("button", { type: "button", class: "quiet", "data-kind": kind, onclick: () => save(kind) }, text),
  );
  const status = el("span", { class: "told", role: "status" });
  const node = el("span", { class: "films", id }, ...buttons, status);
  /** @param {string} text */
  function tell(text, bad = false) {
    status.textContent = text;
    status.classList.toggle("alas", bad);
  }
  /** @param {string} kind */
  async function save(kind) {
    node.setAttribute("aria-busy", "true");
    buttons.forEach((button) => {
      button.disabled = true;
    });
    tell(t("film.busy"));
    try {
      saveAs(`${name()}.${kind}`, await make(kind));
      tell("");
    } catch (error) {
      tell(/** @type {Error} */ (error).message, true);
    }
    buttons.forEach((button) => {
      button.disabled = false;
    });
    node.removeAttribute("aria-busy");
  }
  const say = () =>
    buttons.forEach((button) => {
      button.title = t("film.save", { kind: KINDS[button.dataset.kind ?? ""] });
    });
  on("language", say);
  say();
  return node;
}

/**
 * The same for steps that the page draws itself: `sheets()` yields a canvas for each, of one size, shown `pace()` ms.
 * @typedef {AsyncGenerator<HTMLCanvasElement> | Generator<HTMLCanvasElement>} Sheets
 * @param {string} name @param {() => Sheets} sheets @param {() => number} pace
 */
export const createSheetFilms = (name, sheets, pace) =>
  createFilms(`${name}-films`, {
    name: () => name,
    make: async (kind) => {
      /** @type {string[]} */
      const pictures = [];
      for await (const sheet of sheets()) {
        pictures.push(sheet.toDataURL("image/png"));
        await new Promise((done) => setTimeout(done)); // the page goes on meanwhile
      }
      if (pictures.length < 2) throw new Error(t("film.few"));
      return file(`lab/film.${kind}`, posted({ pictures, milliseconds: Math.round(pace()) }));
    },
  });

/**
 * One step as an opaque picture in the colours of the page: a line of text, below it tiles `wide` pixels wide, each
 * with its name.
 * @param {{ title: string, tiles: import("./types.d.ts").Tile[], columns?: number, wide: number, crisp?: boolean }} sheet
 */
export function drawSheet({ title, tiles, columns = tiles.length, wide, crisp = false }) {
  const [{ picture: first }] = tiles,
    high = Math.round((wide * first.height) / first.width);
  const rows = Math.ceil(tiles.length / columns),
    across = wide + EDGE,
    down = LINE + high + EDGE;
  const canvas = el("canvas", { width: columns * across + EDGE, height: LINE + rows * down + EDGE });
  const pen = context(canvas);
  /** @type {(text: string, x: number, y: number, most: number) => void} */
  const write = (text, x, y, most) => pen.fillText(text, x, y + LINE / 2, most);
  pen.fillStyle = colour("--paper");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(pen, { fillStyle: colour("--ink"), font: FONT, textBaseline: "middle", imageSmoothingEnabled: !crisp });
  write(title, EDGE, EDGE / 2, canvas.width - 2 * EDGE);
  tiles.forEach(({ picture, name }, i) => {
    const x = EDGE + (i % columns) * across,
      y = LINE + EDGE / 2 + Math.floor(i / columns) * down;
    write(name, x, y, wide);
    pen.drawImage(picture, x, y + LINE, wide, high);
  });
  return canvas;
}
