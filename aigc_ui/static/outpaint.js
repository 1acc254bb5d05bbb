// Four arrows around a small view of the canvas: how far beyond its edges the start picture is painted.
import { el, icon } from "./dom.js";
import { emit, on } from "./events.js";
import { t } from "./words.js";

/** @typedef {"left" | "right" | "top" | "bottom"} Side */

const STEP = 64,
  MOST = 1024;
/** @type {Side[]} */
const SIDES = ["left", "right", "top", "bottom"];
const ARROWS = { left: "M10 3L5 8l5 5", right: "M6 3l5 5-5 5", top: "M3 10l5-5 5 5", bottom: "M3 6l5 5 5-5" };
/** @type {Partial<Record<Side, { value: number }>>} */
const held = {}; // the values of the request's fields, once the page has them
let size = { width: 0, height: 0 };

/** The component that holds what lies beyond one edge. @param {import("./component.js").Component<number>} component */
export function drawBorder({ field, props, watch }) {
  held[/** @type {Side} */ (field.replace("outpaint_", ""))] = props;
  watch(() => emit("outpaint"));
  emit("outpaint");
}

/** @param {Side} side */
const beyond = (side) => held[side]?.value ?? 0;
const whole = () => ({
  width: beyond("left") + size.width + beyond("right"),
  height: beyond("top") + size.height + beyond("bottom"),
});
/** @param {Side} side @param {number} pixels */
function keep(side, pixels) {
  const props = held[side];
  if (!props) return;
  props.value = Math.min(MOST, Math.max(0, pixels));
  emit("outpaint");
}
const clear = () =>
  SIDES.forEach((side) => {
    if (beyond(side)) keep(side, 0);
  });
on("size", (next) => {
  size = next;
  emit("outpaint");
});
on("no-start", clear);

function createParts() {
  const image = el("img", { alt: "" }),
    known = el("span", { class: "known" }, image),
    canvas = el("span", { class: "canvas" }, known);
  const arrows = SIDES.map((side) => {
    const one = el(
      "button",
      { type: "button", class: `arrow ${side}`, id: `outpaint-add-${side}` },
      icon(ARROWS[side]),
    );
    one.addEventListener("click", (/** @type {MouseEvent} */ event) =>
      keep(side, beyond(side) + (event.shiftKey ? -STEP : STEP)),
    );
    return one;
  });
  const title = el("b"),
    figures = el("span", { class: "total", "aria-live": "polite" }),
    how = el("span", { class: "help" });
  const none = el("button", { type: "button", id: "outpaint-none", onclick: clear });
  const around = el("div", { class: "around" }, canvas, ...arrows),
    side = el("div", { class: "side" }, title, how, figures, none);
  return { image, known, canvas, arrows, title, figures, how, none, node: el("div", { id: "outpaint" }, around, side) };
}

/** @param {number} part @param {number} of */
const percent = (part, of) => `${(100 * part) / (of || 1)}%`;
/** @param {ReturnType<typeof createParts>} parts */
function show({ known, canvas, arrows, title, figures, how, none }) {
  const { width, height } = whole();
  canvas.style.aspectRatio = `${width || 1} / ${height || 1}`;
  canvas.classList.toggle("high", height > width);
  Object.assign(known.style, {
    left: percent(beyond("left"), width),
    top: percent(beyond("top"), height),
    width: percent(size.width, width),
    height: percent(size.height, height),
  });
  title.textContent = t("outpaint");
  how.textContent = t("outpaint.how", { pixels: STEP });
  figures.textContent = t("outpaint.size", { width, height });
  none.textContent = t("outpaint.none");
  none.hidden = figures.hidden = SIDES.every((side) => !beyond(side));
  SIDES.forEach((side, i) => {
    const label = `${t(`field.outpaint_${side}`)}: ${beyond(side)}`;
    arrows[i].title = label;
    arrows[i].setAttribute("aria-label", label);
    arrows[i].classList.toggle("used", beyond(side) > 0);
  });
}

// The canvas with the picture (an image's address) where it will lie, and the arrows. A border needs a picture, so
// it goes when the picture goes.
export function createOutpaint() {
  const parts = createParts(),
    { node, image } = parts;
  const render = () => show(parts);
  on("outpaint", render);
  on("language", render);
  render();
  return {
    node,
    /** @param {string} address */
    show(address) {
      if (image.src !== address) image.src = address;
    },
  };
}
