// Small helpers for the DOM: text is always text, never HTML.
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

// A value into one of Gradio's boxes, as if it had been typed.
export function put(id, text) {
  const field = document.querySelector(`#${id} textarea, #${id} input`);
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
