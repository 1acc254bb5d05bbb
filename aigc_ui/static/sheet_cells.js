// The cells of a grid's sheet: places on the shown sheet that open the picture which stands there.
import { el } from "./dom.js";
import { named, valued } from "./recipe_rows.js";
import { contained, valuesOf } from "./sheet_places.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").Recipe} Recipe */

/** @param {{ field: string, values: string[] }[]} axes @param {number} index */
const nameOf = (axes, index) =>
  valuesOf(axes, index)
    .map(([field, value]) => `${named(field)}: ${valued(field, value)}`)
    .join(" · ");

/**
 * Above the shown picture; `back` leads from a cell's picture to the sheet that was seen last. `open(id)` shows a picture.
 * @param {{ picture: HTMLImageElement, sheet: HTMLElement }} parts @param {(id: string) => void} open
 */
export function createCells({ picture: image, sheet: back }, open) {
  const node = el("div", { class: "cells", hidden: true });
  /** @type {number[][]} */
  let cells = [];
  /** @type {{ id: string, pictures: string[] }} */
  let last = { id: "", pictures: [] };
  function fit() {
    if (!cells.length || !image.naturalWidth) return;
    const { left, top, scale } = contained(
      image.naturalWidth,
      image.naturalHeight,
      image.clientWidth,
      image.clientHeight,
    );
    for (const [i, [x, y, width, height]] of cells.entries()) {
      const place = { left: left + x * scale, top: top + y * scale, width: width * scale, height: height * scale };
      const { style } = /** @type {HTMLElement} */ (node.children[i]);
      for (const [name, pixels] of Object.entries(place)) style.setProperty(name, `${pixels}px`);
    }
  }
  new ResizeObserver(fit).observe(image);
  image.addEventListener("load", fit);
  image.after(node);
  back.addEventListener("click", () => open(last.id));
  /** @param {string} id of the shown picture @param {Recipe} recipe its own */
  function show(id, { cells: places = [], pictures = [], axes = [] }) {
    cells = places.length === pictures.length ? places : [];
    node.hidden = !cells.length;
    if (cells.length) last = { id, pictures };
    back.hidden = !last.pictures.includes(id);
    back.textContent = t("detail.sheet");
    node.replaceChildren(
      ...cells.map((_, i) => {
        const name = nameOf(axes, i);
        const label = t("detail.cell", { name });
        return el("button", { type: "button", title: name, "aria-label": label, onclick: () => open(pictures[i]) });
      }),
    );
    fit();
  }
  return { show };
}
