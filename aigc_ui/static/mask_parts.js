// The parts of the mask editor's dialog, and the words on them.
import { createColours } from "./mask_colours.js";
import { el, icon, icons } from "./dom.js";
import { t } from "./words.js";

/** @typedef {ReturnType<typeof createParts>} Parts */

const UNDO = "M6 3L3 6l3 3M3 6h6a4 4 0 0 1 0 8H7",
  REDO = "M10 3l3 3-3 3M13 6H7a4 4 0 0 0 0 8h2";

/** @param {string} key of its words @param {string} [path] of its icon @returns {HTMLButtonElement} */
const tool = (key, path) =>
  el("button", { type: "button", id: key.replace(".", "-"), class: path ? "round" : null }, path ? icon(path) : false);

function createTools() {
  return {
    brush: tool("mask.brush"),
    eraser: tool("mask.eraser"),
    undo: tool("mask.undo", UNDO),
    redo: tool("mask.redo", REDO),
    clear: tool("mask.clear"),
    fill: tool("mask.fill"),
    invert: tool("mask.invert"),
    whole: tool("mask.whole"),
    done: tool("mask.done"),
    close: tool("mask.close", icons.cross),
  };
}

/** @param {{ min: number, max: number, value: number }} brush */
export function createParts(brush) {
  const tools = createTools();
  const title = el("h2", { id: "mask-title" }),
    help = el("p", { class: "help" });
  const picture = el("img", { alt: "", draggable: "false" }),
    canvas = el("canvas", { role: "img" });
  const cut = el("span", { class: "cut" }),
    ring = el("span", { class: "ring", hidden: true });
  const stage = el("div", { class: "stage" }, picture, canvas, cut, ring);
  const easel = el("div", { class: "easel" }, stage);
  const size = el("input", { type: "range", id: "mask-size", ...brush }),
    sizeName = el("span"),
    colours = createColours();
  tools.done.className = "primary";
  const node = el(
    "dialog",
    { id: "mask", tabindex: "-1", "aria-labelledby": "mask-title" },
    el("header", {}, title, tools.done, tools.close),
    help,
    easel,
    el(
      "div",
      { class: "tools" },
      el("span", { class: "either" }, tools.brush, tools.eraser),
      colours.node,
      el("label", { class: "size" }, sizeName, size),
      el("span", { class: "group" }, tools.undo, tools.redo),
      el("span", { class: "group" }, tools.clear, tools.fill, tools.invert, tools.whole),
    ),
  );
  return { tools, title, help, picture, canvas, cut, ring, stage, easel, size, sizeName, colours, node };
}

/** @param {Parts} parts @param {{ title: string, help: string, fill: string }} use keys of its words */
export function say({ title, help, sizeName, canvas, colours, tools }, use) {
  title.textContent = t(use.title);
  help.textContent = t(use.help);
  sizeName.textContent = t("mask.size");
  colours.say();
  canvas.setAttribute("aria-label", t(use.title));
  for (const [name, one] of Object.entries(tools)) {
    const words = t(name === "fill" ? use.fill : `mask.${name}`);
    if (!one.firstElementChild) one.textContent = words;
    else {
      one.title = words;
      one.setAttribute("aria-label", words);
    }
  }
}
