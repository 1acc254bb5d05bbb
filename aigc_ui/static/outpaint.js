// Four arrows around a small view of the canvas: how far beyond its edges the start picture is painted.
import { el, icon, put } from "./dom.js";
import { emit, on } from "./events.js";
import { t } from "./words.js";

const SIDES = ["left", "right", "top", "bottom"],
  STEP = 64,
  MOST = 1024;
const ARROWS = { left: "M10 3L5 8l5 5", right: "M6 3l5 5-5 5", top: "M3 10l5-5 5 5", bottom: "M3 6l5 5 5-5" };
const border = Object.fromEntries(SIDES.map((side) => [side, 0]));
let size = { width: 0, height: 0 };

const whole = () => ({
  width: border.left + size.width + border.right,
  height: border.top + size.height + border.bottom,
});
function keep(side, pixels) {
  border[side] = Math.min(MOST, Math.max(0, pixels));
  put(`outpaint-${side}`, String(border[side]));
  emit("outpaint");
}
on("size", (next) => {
  size = next;
  emit("outpaint");
});
// What the boxes hold also changes from Python: settings of another picture.
on("border", (values) => {
  SIDES.forEach((side, i) => {
    border[side] = Number(values[i]) || 0;
  });
  emit("outpaint");
});
const clear = () =>
  SIDES.forEach((side) => {
    if (border[side]) keep(side, 0);
  });

on("no-start", clear);

// The canvas with the picture (an image's address) where it will lie, and the arrows. A border needs a picture, so
// it goes when the picture goes.
export function createOutpaint() {
  const image = el("img", { alt: "" }),
    known = el("span", { class: "known" }, image),
    canvas = el("span", { class: "canvas" }, known);
  const arrows = SIDES.map((side) => {
    const one = el(
      "button",
      { type: "button", class: `arrow ${side}`, id: `outpaint-add-${side}` },
      icon(ARROWS[side]),
    );
    one.addEventListener("click", (event) => keep(side, border[side] + (event.shiftKey ? -STEP : STEP)));
    return one;
  });
  const title = el("b"),
    figures = el("span", { class: "total", "aria-live": "polite" }),
    how = el("span", { class: "help" });
  const none = el("button", { type: "button", id: "outpaint-none" });
  none.addEventListener("click", clear);
  const node = el(
    "div",
    { id: "outpaint" },
    el("div", { class: "around" }, canvas, ...arrows),
    el("div", { class: "side" }, title, how, figures, none),
  );

  function render() {
    const { width, height } = whole(),
      percent = (part, of) => `${(100 * part) / (of || 1)}%`;
    canvas.style.aspectRatio = `${width || 1} / ${height || 1}`;
    canvas.classList.toggle("high", height > width);
    Object.assign(known.style, {
      left: percent(border.left, width),
      top: percent(border.top, height),
      width: percent(size.width, width),
      height: percent(size.height, height),
    });
    title.textContent = t("outpaint");
    how.textContent = t("outpaint.how", { pixels: STEP });
    figures.textContent = t("outpaint.size", { width, height });
    none.textContent = t("outpaint.none");
    none.hidden = figures.hidden = SIDES.every((side) => !border[side]);
    SIDES.forEach((side, i) => {
      const label = `${t(`field.outpaint_${side}`)}: ${border[side]}`;
      arrows[i].title = label;
      arrows[i].setAttribute("aria-label", label);
      arrows[i].classList.toggle("used", border[side] > 0);
    });
  }
  on("outpaint", render);
  on("language", render);
  render();
  return {
    node,
    show(address) {
      if (image.src !== address) image.src = address;
    },
  };
}
