// The cells of a grid's sheet: places on the shown sheet that open the picture which stands there.
import { el } from "./dom.js";
import { named, valued } from "./recipe_rows.js";
import { valuesOf } from "./sheet_places.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").Recipe} Recipe */

/** @param {{ field: string, values: string[] }[]} axes @param {number} index */
const nameOf = (axes, index) =>
  valuesOf(axes, index)
    .map(([field, value]) => `${named(field)}: ${valued(field, value)}`)
    .join(" · ");

/**
 * `node` lies over the shown picture, as large as its own pixels; `back` leads from a cell's picture to the sheet that
 * was seen last. `open(id)` shows a picture.
 * @param {HTMLElement} back @param {(id: string) => void} open
 */
export function createCells(back, open) {
  const node = el("div", { class: "cells", hidden: true });
  /** @type {{ id: string, pictures: string[] }} */
  let last = { id: "", pictures: [] };
  back.addEventListener("click", () => open(last.id));
  /** @param {string} id of the shown picture @param {Recipe} recipe its own */
  function show(id, { cells = [], pictures = [], axes = [] }) {
    const whole = cells.length === pictures.length ? cells : [];
    node.hidden = !whole.length;
    if (whole.length) last = { id, pictures };
    back.hidden = !last.pictures.includes(id);
    back.textContent = t("detail.sheet");
    node.replaceChildren(
      ...whole.map(([x, y, width, height], i) => {
        const name = nameOf(axes, i);
        const style = `left:${x}px;top:${y}px;width:${width}px;height:${height}px`;
        const label = t("detail.cell", { name });
        return el("button", {
          type: "button",
          title: name,
          style,
          "aria-label": label,
          onclick: () => open(pictures[i]),
        });
      }),
    );
  }
  return { node, show };
}
