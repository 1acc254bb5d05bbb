// A plot on the page: its drawing with a legend, what is under the pointer said in figures, points that can be dragged.
import { el } from "./dom.js";
import { figure } from "./plot_axes.js";
import { drawing, swatch } from "./plot_drawing.js";
import { SAVING } from "./plot_files.js";
import { t } from "./words.js";

// spec: { title, x: {label, log, low, high}, y: the same, series: [{name, x, y, colour, dash, ghost, kind}], at: x,
//         drag: {points: [[x, y]], move(i, x, y), add(x, y), remove(i), end()} }
// kind is "line" (the default), "bars", each as `wide` as its share of the room, or "dots".
export function createPlot(id) {
  const title = el("h3"),
    legend = el("div", { class: "legend" }),
    readout = el("output", { class: "figures" });
  const stage = el("div", { class: "plot-stage" });
  const save = Object.keys(KINDS).map((kind) =>
    el(
      "button",
      { type: "button", class: "quiet", onclick: () => SAVING[kind](shown), "data-kind": kind },
      KINDS[kind],
    ),
  );
  const node = el(
    "figure",
    { class: "plot", id },
    el("div", { class: "plot-head" }, title, readout, el("span", { class: "plot-save" }, ...save)),
    stage,
    legend,
  );
  const shown = { spec: null, svg: null, axes: null };

  function draw(next) {
    const spec = (shown.spec = next ?? shown.spec);
    if (!spec || !stage.clientWidth) return;
    Object.assign(shown, drawing(spec, stage.clientWidth, stage.clientHeight || 220));
    stage.replaceChildren(shown.svg);
    title.textContent = spec.title;
    legend.replaceChildren(
      ...(spec.series.length > 1
        ? spec.series.map((s) => el("span", { class: s.ghost ? "ghost" : "" }, swatch(s), s.name))
        : []),
    );
    save.forEach((button) => {
      button.title = t("plot.save", { kind: button.textContent });
    });
  }
  listen(stage, shown, readout);
  new ResizeObserver(() => draw()).observe(stage);
  new MutationObserver(() => draw()).observe(document.body, { attributeFilter: ["class"] });
  return { node, draw, figure };
}
const KINDS = { png: "PNG", svg: "SVG", csv: "CSV" };

// The pointer over a plot's stage: figures under it, and points that can be dragged.
function listen(stage, shown, readout) {
  let dragging = null;
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [shown.axes.x.back(event.clientX - box.left), shown.axes.y.back(event.clientY - box.top)];
  };
  stage.addEventListener("pointerdown", (event) => {
    const drag = shown.spec?.drag;
    if (!drag) return;
    const [x, y] = place(event);
    const handle = event.target.closest(".handle");
    stage.setPointerCapture(event.pointerId);
    dragging = handle ? +handle.dataset.i : drag.add(x, y);
    event.preventDefault();
  });
  stage.addEventListener("dblclick", (event) => {
    const handle = event.target.closest(".handle");
    if (handle && shown.spec?.drag) {
      shown.spec.drag.remove(+handle.dataset.i);
      dragging = null;
    }
  });
  stage.addEventListener("pointermove", (event) => {
    const { spec, axes } = shown;
    if (!spec || !axes) return;
    const [x, y] = place(event);
    if (dragging != null) dragging = spec.drag.move(dragging, x, y);
    else readout.textContent = figuresAt(spec, x);
  });
  const drop = () => {
    if (dragging != null) shown.spec?.drag?.end?.();
    dragging = null;
  };
  stage.addEventListener("pointerup", drop);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", () => {
    readout.textContent = "";
  });
}
// The first three series at a place.
function figuresAt(spec, at) {
  const nearest = (xs) => xs.reduce((best, x, i) => (Math.abs(x - at) < Math.abs(xs[best] - at) ? i : best), 0);
  const each = spec.series
    .filter((s) => !s.ghost)
    .slice(0, 3)
    .map((s) => `${spec.series.length > 1 ? `${s.name} ` : ""}${figure(s.y[nearest(s.x)])}`);
  return `${each.join(" · ")} @ ${figure(at)}`;
}
