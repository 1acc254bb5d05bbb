// One small picture of a sheet of them.
import { el } from "./dom.js";

/**
 * @param {{ columns: number }} sheet @param {string} address of the sheet
 * @param {number} index of the cell @param {number} side in pixels on the page
 */
export function cell(sheet, address, index, side) {
  const column = index % sheet.columns,
    row = Math.floor(index / sheet.columns);
  const node = el("span", { class: "cell", "aria-hidden": "true" });
  node.style.width = node.style.height = `${side}px`;
  node.style.backgroundImage = `url("${address}")`;
  node.style.backgroundSize = `${sheet.columns * side}px auto`;
  node.style.backgroundPosition = `-${column * side}px -${row * side}px`;
  return node;
}
