// Small helpers for the DOM: text is always text, never HTML.
const GAP = 1; // of the pictures' own pixels
/** @typedef {Node | string | number | false | null | undefined} Child */
/**
 * An element: `on…` attributes are listeners, true is an attribute without a value, false and null are none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} attributes
 * @param {...(Child)} children nodes and texts; null and false are left out
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flatMap(asNode));
  return node;
}

/** @param {Child} child @returns {(Node | string)[]} */
const asNode = (child) => (child == null || child === false ? [] : [child instanceof Node ? child : String(child)]);

export const icons = {
  play: "M5 3l8 5-8 5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  cross: "M4 4l8 8M12 4l-8 8",
  pen: "M3 13l.7-3L10.5 3.2l2.3 2.3L6 12.3z",
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
};
/** @param {string} path */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * The element around the place of an event that fits, or null.
 * @param {Event} event @param {string} selector @returns {HTMLElement | null}
 */
export const around = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
/** The element with the focus, also where the browser's type for it is a plain one. @returns {HTMLElement | null} */
export const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

/**
 * What is typed into one of Gradio's boxes.
 * @param {string} id @returns {HTMLInputElement | HTMLTextAreaElement | null}
 */
export const box = (id) => document.querySelector(`#${id} textarea, #${id} input`);
/** A value into one of them, as if it had been typed. @param {string} id @param {string} text */
export function put(id, text) {
  const field = box(id);
  if (!field || field.value === text) return;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A picture in a data URI. @param {string} source */
export async function decode(source) {
  const bytes = Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: source.slice(5, source.indexOf(";")) }));
}
/**
 * A canvas as large as the picture that it shows.
 * @param {HTMLCanvasElement} canvas @param {ImageBitmap | HTMLCanvasElement} bitmap
 */
export function onto(canvas, bitmap) {
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  context(canvas).drawImage(bitmap, 0, 0);
}
/**
 * A sheet of square pictures that touch, each `side` pixels wide, with gaps between them.
 * @param {HTMLCanvasElement} canvas @param {ImageBitmap} sheet @param {number} side
 */
export function ontoApart(canvas, sheet, side) {
  const columns = Math.round(sheet.width / side),
    rows = Math.round(sheet.height / side);
  Object.assign(canvas, { width: columns * (side + GAP) - GAP, height: rows * (side + GAP) - GAP });
  const pen = context(canvas);
  for (let i = 0; i < columns * rows; i++) {
    const [x, y] = [i % columns, Math.floor(i / columns)];
    pen.drawImage(sheet, x * side, y * side, side, side, x * (side + GAP), y * (side + GAP), side, side);
  }
}
/** What draws on a canvas. @param {HTMLCanvasElement} canvas */
export const context = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
