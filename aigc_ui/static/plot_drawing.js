// A plot's drawing as SVG: lines, bars and points on linear or logarithmic axes.
// Colours are written into the marks, so that a plot saved as a file looks as it does here.
import { figure, scale, span } from "./plot_axes.js";

const NS = "http://www.w3.org/2000/svg";
const LEFT = 58,
  RIGHT = 14,
  TOP = 12,
  BOTTOM = 40;
const FONT = "12px system-ui, sans-serif";

export const mark = (tag, attributes = {}, text) => {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
};
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim() || "#888";

// The drawing of a plot's spec in this size, and its axes: { svg, axes: { x, y } }.
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
// Lines and figures of the axes.
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
    mark("text", { x: (LEFT + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle", fill: ink }, spec.x.label),
  ];
}
function trace({ x: xs, y: ys, colour: name, dash, ghost, kind, wide: share = 0.82 }, spec, { x, y, width, height }) {
  const paint = colour(name),
    fine = (v, i) => Number.isFinite(v) && (!spec.y.log || v > 0) && Number.isFinite(xs[i]);
  const group = mark("g", { opacity: ghost ? 0.45 : 1 });
  if (kind === "bars") {
    const wide = Math.max(1, ((width - LEFT - RIGHT) / xs.length) * share);
    const base = spec.y.log ? height - BOTTOM : y.at(Math.max(0, y.back(height - BOTTOM)));
    ys.forEach((v, i) => {
      if (!fine(v, i)) return;
      const top = Math.min(y.at(v), base);
      group.append(
        mark("rect", {
          x: x.at(xs[i]) - wide / 2,
          y: top,
          width: wide,
          height: Math.max(0.5, Math.abs(base - y.at(v))),
          fill: paint,
        }),
      );
    });
    return group;
  }
  const path = ys
    .map((v, i) => (fine(v, i) ? `${x.at(xs[i]).toFixed(1)},${y.at(v).toFixed(1)}` : null))
    .filter(Boolean);
  group.append(
    mark("polyline", {
      points: path.join(" "),
      fill: "none",
      stroke: paint,
      "stroke-width": 2.5,
      "stroke-linejoin": "round",
      "stroke-dasharray": dash ?? "none",
    }),
  );
  if (kind === "dots")
    path.forEach((p) => {
      const [cx, cy] = p.split(",");
      group.append(mark("circle", { cx, cy, r: 3.5, fill: paint }));
    });
  return group;
}

// A line as it looks on the plot, for its legend.
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
