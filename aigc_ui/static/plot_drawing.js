// A plot's drawing as SVG: lines, bars and points on linear or logarithmic axes.
// Colours are written into the marks, so that a plot saved as a file looks as it does here.
import { figure, scale, span } from "./plot_axes.js";

/**
 * @typedef {import("./types.d.ts").PlotSpec} PlotSpec
 * @typedef {import("./types.d.ts").Axes} Axes
 * @typedef {import("./types.d.ts").Series} Series
 */

const NS = "http://www.w3.org/2000/svg";
const LEFT = 58,
  RIGHT = 14,
  TOP = 12,
  BOTTOM = 40;
const FONT = "12px system-ui, sans-serif";

/** @param {string} tag @param {Record<string, any>} attributes @param {string} [text] @returns {SVGElement} */
export const mark = (tag, attributes = {}, text) => {
  const node = /** @type {SVGElement} */ (document.createElementNS(NS, tag));
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
};
/** @param {string} name of a custom property of the styles */
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim() || "#888";

/**
 * The drawing of a plot in this size.
 * @param {PlotSpec} spec @param {number} width @param {number} height
 */
export function drawing(spec, width, height) {
  const x = scale({
    ...span(
      spec.series.flatMap((s) => s.x),
      spec.x,
    ),
    from: LEFT,
    to: width - RIGHT,
  });
  const y = scale({
    ...span(
      spec.series.flatMap((s) => s.y),
      { pad: 0.04, ...spec.y },
    ),
    from: height - BOTTOM,
    to: TOP,
  });
  const svg = mark("svg", {
    xmlns: NS,
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": spec.title,
    style: `font:${FONT}`,
  });
  const axes = { x, y, width, height };
  svg.append(...frame(spec, axes), ...spec.series.map((series) => trace(series, spec, axes)));
  const ink = colour("--ink");
  if (spec.at != null)
    svg.append(
      mark("line", {
        x1: x.at(spec.at),
        x2: x.at(spec.at),
        y1: TOP,
        y2: height - BOTTOM,
        stroke: ink,
        "stroke-dasharray": "3 3",
      }),
    );
  svg.append(
    ...(spec.drag?.points ?? []).map(([px, py], i) =>
      mark("circle", {
        cx: x.at(px),
        cy: y.at(py),
        r: 8,
        fill: colour("--paper"),
        stroke: colour("--accent"),
        "stroke-width": 3,
        class: "handle",
        "data-i": i,
      }),
    ),
  );
  return { svg, axes };
}
/** Lines and figures of the axes. @param {PlotSpec} spec @param {Axes} axes */
function frame(spec, { x, y, width, height }) {
  const [ink, muted, line] = ["--ink", "--muted", "--line"].map(colour);
  return [
    ...y.ticks.flatMap((tick) => [
      mark("line", { x1: LEFT, x2: width - RIGHT, y1: y.at(tick), y2: y.at(tick), stroke: line }),
      mark("text", { x: LEFT - 8, y: y.at(tick) + 4, "text-anchor": "end", fill: muted }, figure(tick)),
    ]),
    ...x.ticks.map((tick) =>
      mark("text", { x: x.at(tick), y: height - BOTTOM + 17, "text-anchor": "middle", fill: muted }, figure(tick)),
    ),
    mark("line", { x1: LEFT, x2: width - RIGHT, y1: height - BOTTOM, y2: height - BOTTOM, stroke: muted }),
    mark(
      "text",
      { x: (LEFT + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle", fill: ink },
      spec.x.log ? `${spec.x.label} (log)` : spec.x.label,
    ),
  ];
}
/** @param {Series} series @param {PlotSpec} spec @param {Axes} axes */
function trace(series, spec, axes) {
  const group = mark("g", { opacity: series.ghost ? 0.45 : 1 });
  if (series.kind === "bars") group.append(...bars(series, spec, axes));
  else group.append(...line(series, spec, axes));
  return group;
}

/** Whether a value can stand on the axes. @param {Series} series @param {PlotSpec} spec @param {number} i */
const fine = ({ x, y }, spec, i) => Number.isFinite(y[i]) && (!spec.y.log || y[i] > 0) && Number.isFinite(x[i]);

/** @param {Series} series @param {PlotSpec} spec @param {Axes} axes */
function bars(series, spec, { x, y, width, height }) {
  const wide = Math.max(1, ((width - LEFT - RIGHT) / series.x.length) * (series.wide ?? 0.82));
  const base = spec.y.log ? height - BOTTOM : y.at(Math.max(0, y.back(height - BOTTOM)));
  return series.y.flatMap((v, i) =>
    fine(series, spec, i)
      ? [
          mark("rect", {
            x: x.at(series.x[i]) - wide / 2,
            y: Math.min(y.at(v), base),
            width: wide,
            height: Math.max(0.5, Math.abs(base - y.at(v))),
            fill: colour(series.colour),
          }),
        ]
      : [],
  );
}

/** @param {Series} series @param {PlotSpec} spec @param {Axes} axes */
function line(series, spec, { x, y }) {
  const places = series.y.flatMap((v, i) =>
    fine(series, spec, i) ? [[x.at(series.x[i]).toFixed(1), y.at(v).toFixed(1)]] : [],
  );
  const paint = colour(series.colour);
  const path = mark("polyline", {
    points: places.map((place) => place.join(",")).join(" "),
    fill: "none",
    stroke: paint,
    "stroke-width": 2.5,
    "stroke-linejoin": "round",
    "stroke-dasharray": series.dash ?? "none",
  });
  const dots = series.kind === "dots" ? places : [];
  return [path, ...dots.map(([cx, cy]) => mark("circle", { cx, cy, r: 3.5, fill: paint }))];
}

/** A line as it looks on the plot, for its legend. @param {Series} series */
export function swatch(series) {
  const svg = mark("svg", { width: 18, height: 8, "aria-hidden": "true" });
  svg.append(
    mark("line", {
      x1: 0,
      x2: 18,
      y1: 4,
      y2: 4,
      stroke: colour(series.colour),
      "stroke-width": 3,
      "stroke-dasharray": series.dash ?? "none",
      opacity: series.ghost ? 0.5 : 1,
    }),
  );
  return svg;
}
