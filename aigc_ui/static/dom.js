// Small helpers for the DOM: text is always text, never HTML.
/**
 * An element: `on…` attributes are listeners, true is an attribute without a value, false and null are none.
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...any} children nodes and texts; null and false are left out
 * @returns {any} an element of that tag
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

export const icons = { play: "M5 3l8 5-8 5z", pause: "M4 3h3v10H4zM9 3h3v10H9z" };
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** The element around the place of an event that fits, or null. @returns {HTMLElement | null} */
export const around = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
/** The element with the focus, also where the browser's type for it is a plain one. @returns {HTMLElement | null} */
export const focused = () => /** @type {HTMLElement} */ (document.activeElement);

/** What is typed into one of Gradio's boxes. @returns {HTMLInputElement | HTMLTextAreaElement | null} */
export const box = (id) => document.querySelector(`#${id} textarea, #${id} input`);
// A value into one of them, as if it had been typed.
export function put(id, text) {
  const field = box(id);
  if (!field || field.value === text) return;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// A picture in a data URI.
export async function decode(source) {
  const bytes = Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: source.slice(5, source.indexOf(";")) }));
}
// A canvas as large as the picture that it shows.
export function onto(canvas, bitmap) {
  Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}
