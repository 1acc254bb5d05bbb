// A plot on the page: its drawing with a legend, what is under the pointer said in figures, points that can be dragged.
import { el } from "./dom.js";
import { figure } from "./plot_axes.js";
import { drawing, swatch } from "./plot_drawing.js";
import { SAVING } from "./plot_files.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").PlotSpec} PlotSpec
 * @typedef {import("./types.d.ts").Drawing} Drawing
 */

/** @type {Record<string, string>} */
const KINDS = { png: "PNG", svg: "SVG", csv: "CSV" };

/** @param {string} id @returns {import("./types.d.ts").Plot} */
export function createPlot(id) {
  const title = el("h3", { hidden: true }),
    legend = el("div", { class: "legend" }),
    readout = el("output", { class: "figures" });
  const stage = el("div", { class: "plot-stage" });
  const save = Object.keys(KINDS).map((kind) =>
    el(
      "button",
      { type: "button", class: "quiet", onclick: () => drawn && SAVING[kind](drawn), "data-kind": kind },
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
  /** @type {PlotSpec | undefined} */
  let spec;
  /** @type {Drawing | undefined} */
  let drawn;

  /** @param {PlotSpec} [next] */
  function draw(next) {
    spec = next ?? spec;
    if (!spec || !stage.clientWidth) return;
    drawn = { spec, ...drawing(spec, stage.clientWidth, stage.clientHeight || 220) };
    stage.replaceChildren(drawn.svg);
    title.textContent = spec.y.log ? t("plot.log", { title: spec.title }) : spec.title;
    title.hidden = false;
    legend.replaceChildren(
      ...(spec.series.length > 1
        ? spec.series.map((s) => el("span", { class: s.ghost ? "ghost" : "" }, swatch(s), s.name))
        : []),
    );
    save.forEach((button) => {
      button.title = t("plot.save", { kind: button.textContent ?? "" });
    });
  }
  listen(stage, () => drawn, readout);
  new ResizeObserver(() => draw()).observe(stage);
  new MutationObserver(() => draw()).observe(document.body, { attributeFilter: ["class"] });
  return { node, draw };
}

/**
 * The pointer over a plot's stage: figures under it, and points that can be dragged.
 * @param {HTMLElement} stage @param {() => Drawing | undefined} drawn @param {HTMLElement} readout
 */
function listen(stage, drawn, readout) {
  /** @type {number | null} */
  let dragging = null;
  stage.addEventListener("pointerdown", (event) => {
    const { spec, axes } = drawn() ?? {};
    if (!spec?.drag || !axes) return;
    const handle = handleAt(event);
    stage.setPointerCapture(event.pointerId);
    dragging = handle ?? spec.drag.add(...place(stage, axes, event));
    event.preventDefault();
  });
  stage.addEventListener("dblclick", (event) => {
    const handle = handleAt(event),
      drag = drawn()?.spec.drag;
    if (handle == null || !drag) return;
    drag.remove(handle);
    dragging = null;
  });
  stage.addEventListener("pointermove", (event) => {
    const { spec, axes } = drawn() ?? {};
    if (!spec || !axes) return;
    const [x, y] = place(stage, axes, event);
    if (dragging != null && spec.drag) dragging = spec.drag.move(dragging, x, y);
    else readout.textContent = figuresAt(spec, x);
  });
  const drop = () => {
    if (dragging != null) drawn()?.spec.drag?.end?.();
    dragging = null;
  };
  stage.addEventListener("pointerup", drop);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", () => {
    readout.textContent = "";
  });
}
/**
 * The number of the point under the pointer. The event's own target is the stage while that holds the pointer.
 * @param {MouseEvent} event
 */
function handleAt({ clientX, clientY }) {
  const handle = document.elementFromPoint(clientX, clientY)?.closest(".handle");
  const i = /** @type {SVGElement | null | undefined} */ (handle)?.dataset.i;
  return i == null ? null : +i;
}
/** @type {(stage: HTMLElement, axes: Drawing["axes"], event: MouseEvent) => [number, number]} */
function place(stage, { x, y }, event) {
  const box = stage.getBoundingClientRect();
  return [x.back(event.clientX - box.left), y.back(event.clientY - box.top)];
}
/** The first three series at a place. @param {PlotSpec} spec @param {number} at */
function figuresAt(spec, at) {
  const nearest = (/** @type {number[]} */ xs) =>
    xs.reduce((best, x, i) => (Math.abs(x - at) < Math.abs(xs[best] - at) ? i : best), 0);
  const each = spec.series
    .filter((s) => !s.ghost)
    .slice(0, 3)
    .map((s) => `${spec.series.length > 1 ? `${s.name} ` : ""}${figure(s.y[nearest(s.x)])}`);
  return `${each.join(" · ")} @ ${figure(at)}`;
}
