// The mask editor: a dialog to paint over what should change, to draw lines in, or to paint in colour.
import { on } from "./events.js";
import { exported, exportedPaint, imported } from "./mask.js";
import { paintOn } from "./mask_brush.js";
import { createHistory } from "./mask_history.js";
import { createParts, say } from "./mask_parts.js";
import { createMaskView } from "./mask_view.js";

/**
 * @typedef {import("./mask.js").Size} Size
 * @typedef {import("./mask_parts.js").Parts} Parts
 * @typedef {ReturnType<typeof createHistory>} History
 */

const SMALLEST = 2,
  LARGEST = 60,
  USUAL = 14; // the brush, in hundredths of the picture's longer side
const STEP = 2; // by which a key changes it

const MASK = { title: "mask", help: "mask.help", fill: "mask.fill", brush: USUAL };
const LINES = { title: "scribble.draw", help: "scribble.help", fill: "mask.fill", brush: SMALLEST };
const PAINT = { title: "paint", help: "paint.help", fill: "paint.fill", brush: 6 };
const BLACK = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";

/** The size of the picture to come, to which the start picture is cut. @type {Size | null} */
let wanted = null;
on("size", (size) => {
  wanted = size;
});

/**
 * What is cut off evenly on two sides, so that the rest has the form of the picture to come, lies in the dark.
 * @param {HTMLElement} cut
 * @param {Size} size
 */
function darken(cut, { width, height }) {
  const scale = wanted ? Math.min(width / wanted.width, height / wanted.height) : 0;
  const [x, y] = wanted ? [1 - (wanted.width * scale) / width, 1 - (wanted.height * scale) / height] : [0, 0];
  cut.style.inset = `${50 * y}% ${50 * x}%`;
  cut.hidden = x < 0.005 && y < 0.005;
}

/** The brush: how wide it is in pixels of the mask, and whether it erases. @param {Parts} parts */
function createBrush({ canvas, size, tools, colours }, coloured = () => false) {
  let erasing = false;
  return {
    wide: () => Math.max(1, (+size.value / 100) * Math.max(canvas.width, canvas.height)),
    erasing: () => erasing,
    colour: () => (coloured() ? colours.value() : undefined),
    /** @param {boolean} wanted */
    erase(wanted) {
      erasing = wanted;
      tools.brush.setAttribute("aria-pressed", String(!erasing));
      tools.eraser.setAttribute("aria-pressed", String(erasing));
    },
    /** @param {number} by */
    resize(by) {
      size.value = String(+size.value + by);
    },
  };
}

/**
 * @param {Parts} parts
 * @param {ReturnType<typeof createBrush>} brush
 * @param {History} history
 * @param {() => void} reset the view
 */
function listen({ tools, node }, brush, history, reset) {
  const press = {
    brush: () => brush.erase(false),
    eraser: () => brush.erase(true),
    undo: history.undo,
    redo: history.redo,
    clear: () => history.add({ kind: "clear" }),
    fill: () => history.add({ kind: "fill", colour: brush.colour() }),
    invert: () => history.add({ kind: "invert" }),
    whole() {
      reset();
      node.focus(); // the button goes, and with it the focus
    },
    done: () => node.close("done"),
    close: () => node.close(""),
  };
  for (const [name, act] of Object.entries(press))
    tools[/** @type {keyof typeof tools} */ (name)].addEventListener("click", act);
  /** @type {Record<string, () => void>} */
  const keys = {
    b: press.brush,
    e: press.eraser,
    "[": () => brush.resize(-STEP),
    "]": () => brush.resize(STEP),
    0: reset,
  };
  // Escape keeps what was painted, as all else here can be undone.
  node.addEventListener("cancel", (/** @type {Event} */ event) => {
    if (tools.undo.disabled) return;
    event.preventDefault();
    node.close("done");
  });
  node.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const command = event.ctrlKey || event.metaKey,
      key = event.key.toLowerCase();
    if (command && key === "z") (event.shiftKey ? history.redo : history.undo)();
    else if (command && key === "y") history.redo();
    else if (command && key === "enter") {
      event.stopPropagation();
      node.close("done");
    } else if (!command && keys[key]) keys[key]();
    else return;
    event.preventDefault();
  });
}

/**
 * `open` gives what was painted when it closes, as a PNG or null, from an earlier one on; `draw` the same of the size
 * of the picture to come, for lines drawn by hand; `paint` gives what was painted in colour and where, or null.
 */
export function createMaskEditor() {
  const parts = createParts({ min: SMALLEST, max: LARGEST, value: USUAL }),
    { tools, picture, canvas, cut, stage, easel, size, node } = parts;
  const view = createMaskView(easel, stage, () => {
    tools.whole.hidden = view.plain();
  });
  const history = createHistory(canvas, (some, more) => {
    tools.undo.disabled = !some;
    tools.redo.disabled = !more;
  });
  let use = MASK;
  const brush = createBrush(parts, () => use === PAINT),
    painting = paintOn(parts, view, brush, history);
  listen(parts, brush, history, view.reset);
  on("language", () => say(parts, use));
  say(parts, use);

  /** @param {typeof MASK} purpose */
  function turnTo(purpose) {
    if (purpose !== use) size.value = String(purpose.brush);
    use = purpose;
    node.classList.toggle("lines", use === LINES);
    node.classList.toggle("coloured", use === PAINT);
    say(parts, use);
  }
  /**
   * @param {string} source address of the picture
   * @param {Size} form
   * @param {Blob | null} kept
   * @param {typeof MASK} purpose
   * @returns {Promise<boolean>} whether to keep what was painted
   */
  async function edit(source, { width, height }, kept, purpose) {
    turnTo(purpose);
    Object.assign(canvas, { width, height });
    view.reset();
    stage.style.setProperty("--ratio", String(width / height));
    picture.src = source;
    darken(cut, { width, height });
    brush.erase(brush.erasing());
    history.begin(kept ? [{ kind: "kept", pixels: await imported(kept, { width, height }) }] : []);
    node.returnValue = "";
    node.showModal();
    tools.done.focus();
    await new Promise((closed) => node.addEventListener("close", closed, { once: true }));
    painting.end();
    return node.returnValue === "done";
  }
  /** @param {string} source @param {Size} form @param {Blob | null} kept */
  const open = async (source, form, kept, purpose = MASK) =>
    (await edit(source, form, kept, purpose)) ? exported(canvas) : kept;
  /** @param {Blob | null} kept */
  const draw = (kept) => open(BLACK, wanted ?? { width: 512, height: 512 }, kept, LINES);
  /** @param {string} source @param {Size} form */
  async function paint(source, form) {
    if (!(await edit(source, form, null, PAINT))) return null;
    const [colour, where] = await Promise.all([exportedPaint(canvas), exported(canvas)]);
    return colour && where ? { colour, where } : null;
  }
  return { node, open, draw, paint };
}
