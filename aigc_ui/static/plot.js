// Plots as SVG: lines, bars and points on linear or logarithmic axes, with what is under the pointer said in figures.
// Colours are written into the marks, so that a plot saved as a file looks as it does here.
import { el } from "./dom.js";
import { figure, scale, span } from "./plot_axes.js";
import { t } from "./words.js";

const NS = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 14, TOP = 12, BOTTOM = 40;

const mark = (tag, attributes = {}, text) => {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
};
export const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim() || "#888";

// spec: { title, x: {label, log, low, high}, y: the same, series: [{name, x, y, colour, dash, ghost, kind}], at: x,
//         drag: {points: [[x, y]], move(i, x, y), add(x, y), remove(i), end()} }
// kind is "line" (the default), "bars", each as `wide` as its share of the room, or "dots".
export function createPlot(id) {
  const title = el("h3"), legend = el("div", { class: "legend" }), readout = el("output", { class: "figures" });
  const stage = el("div", { class: "plot-stage" });
  const save = el("span", { class: "plot-save" }, ...["png", "svg", "csv"].map((kind) =>
    el("button", { type: "button", class: "quiet", onclick: () => files[kind](), "data-kind": kind }, kind.toUpperCase())));
  const node = el("figure", { class: "plot", id }, el("div", { class: "plot-head" }, title, readout, save), stage, legend);
  let spec = null, axes = null, drawn = null, dragging = null;

  function draw(next) {
    spec = next ?? spec;
    if (!spec || !stage.clientWidth) return;
    const width = stage.clientWidth, height = stage.clientHeight || 220;
    const [ink, muted, line] = ["--ink", "--muted", "--line"].map(colour);
    const x = scale({ ...span(spec.series.flatMap((s) => s.x), spec.x), from: LEFT, to: width - RIGHT });
    const y = scale({ ...span(spec.series.flatMap((s) => s.y), { pad: 0.04, ...spec.y }), from: height - BOTTOM, to: TOP });
    axes = { x, y, width, height };
    const font = "12px system-ui, sans-serif";
    drawn = mark("svg", { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.title, style: `font:${font}` });
    const put = (tag, attributes, text) => drawn.append(mark(tag, attributes, text));
    for (const tick of y.ticks) {
      put("line", { x1: LEFT, x2: width - RIGHT, y1: y.at(tick), y2: y.at(tick), stroke: line });
      put("text", { x: LEFT - 8, y: y.at(tick) + 4, "text-anchor": "end", fill: muted }, figure(tick));
    }
    for (const tick of x.ticks) put("text", { x: x.at(tick), y: height - BOTTOM + 17, "text-anchor": "middle", fill: muted }, figure(tick));
    put("line", { x1: LEFT, x2: width - RIGHT, y1: height - BOTTOM, y2: height - BOTTOM, stroke: muted });
    put("text", { x: (LEFT + width - RIGHT) / 2, y: height - 6, "text-anchor": "middle", fill: ink }, spec.x.label);
    spec.series.forEach((series) => trace(series, x, y, height));
    if (spec.at != null) put("line", { x1: x.at(spec.at), x2: x.at(spec.at), y1: TOP, y2: height - BOTTOM, stroke: ink, "stroke-dasharray": "3 3" });
    (spec.drag?.points ?? []).forEach(([px, py], i) =>
      put("circle", { cx: x.at(px), cy: y.at(py), r: 8, fill: colour("--paper"), stroke: colour("--accent"), "stroke-width": 3, class: "handle", "data-i": i }));
    stage.replaceChildren(drawn);
    title.textContent = spec.title;
    legend.replaceChildren(...(spec.series.length > 1 ? spec.series.map((s) =>
      el("span", { class: s.ghost ? "ghost" : "" }, swatch(s), s.name)) : []));
    save.querySelectorAll("button").forEach((b) => { b.title = t("plot.save", { kind: b.dataset.kind.toUpperCase() }); });
  }
  function swatch(series) {
    const svg = mark("svg", { width: 18, height: 8, "aria-hidden": "true" });
    svg.append(mark("line", { x1: 0, x2: 18, y1: 4, y2: 4, stroke: colour(series.colour), "stroke-width": 3, "stroke-dasharray": series.dash ?? "none", opacity: series.ghost ? 0.5 : 1 }));
    return svg;
  }
  function trace({ x: xs, y: ys, colour: name, dash, ghost, kind, wide: share = 0.82 }, x, y, height) {
    const paint = colour(name), fine = (v, i) => Number.isFinite(v) && (!spec.y.log || v > 0) && Number.isFinite(xs[i]);
    const group = mark("g", { opacity: ghost ? 0.45 : 1 });
    if (kind === "bars") {
      const wide = Math.max(1, (axes.width - LEFT - RIGHT) / xs.length * share);
      const base = spec.y.log ? height - BOTTOM : y.at(Math.max(0, y.back(height - BOTTOM)));
      ys.forEach((v, i) => {
        if (!fine(v, i)) return;
        const top = Math.min(y.at(v), base);
        group.append(mark("rect", { x: x.at(xs[i]) - wide / 2, y: top, width: wide, height: Math.max(0.5, Math.abs(base - y.at(v))), fill: paint }));
      });
    } else {
      const path = ys.map((v, i) => fine(v, i) ? `${x.at(xs[i]).toFixed(1)},${y.at(v).toFixed(1)}` : null).filter(Boolean);
      group.append(mark("polyline", { points: path.join(" "), fill: "none", stroke: paint, "stroke-width": 2.5, "stroke-linejoin": "round", "stroke-dasharray": dash ?? "none" }));
      if (kind === "dots") path.forEach((p) => { const [cx, cy] = p.split(","); group.append(mark("circle", { cx, cy, r: 3.5, fill: paint })); });
    }
    drawn.append(group);
  }

  // --- the pointer: figures under it, and points that can be dragged ---
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [axes.x.back(event.clientX - box.left), axes.y.back(event.clientY - box.top)];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (!spec?.drag) return;
    const [px, py] = place(event);
    const handle = event.target.closest(".handle");
    stage.setPointerCapture(event.pointerId);
    dragging = handle ? +handle.dataset.i : spec.drag.add(px, py);
    event.preventDefault();
  });
  stage.addEventListener("dblclick", (event) => {
    const handle = event.target.closest(".handle");
    if (handle && spec?.drag) { spec.drag.remove(+handle.dataset.i); dragging = null; }
  });
  stage.addEventListener("pointermove", (event) => {
    if (!spec || !axes) return;
    const [px, py] = place(event);
    if (dragging != null) return void (dragging = spec.drag.move(dragging, px, py));
    readout.textContent = `${spec.series.filter((s) => !s.ghost).slice(0, 3).map((s) => {
      const i = nearest(s.x, px);
      return `${spec.series.length > 1 ? `${s.name} ` : ""}${figure(s.y[i])}`;
    }).join(" · ")} @ ${figure(px)}`;
  });
  const drop = () => { if (dragging != null) spec?.drag?.end?.(); dragging = null; };
  stage.addEventListener("pointerup", drop);
  stage.addEventListener("pointercancel", drop);
  stage.addEventListener("pointerleave", () => { readout.textContent = ""; });
  const nearest = (xs, v) => xs.reduce((best, x, i) => (Math.abs(x - v) < Math.abs(xs[best] - v) ? i : best), 0);

  // --- files ---
  const name = () => (spec.title || "plot").replace(/[^\p{L}\p{N}]+/gu, "-").toLowerCase();
  const files = {
    svg: () => saveAs(`${name()}.svg`, new Blob([standalone()], { type: "image/svg+xml" })),
    csv: () => saveAs(`${name()}.csv`, new Blob([table()], { type: "text/csv" })),
    png: async () => {
      const picture = new Image();
      picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone())}`;
      await picture.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: axes.width * 2, height: axes.height * 2 });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => saveAs(`${name()}.png`, blob));
    },
  };
  function standalone() {
    const copy = drawn.cloneNode(true);
    copy.prepend(mark("rect", { width: "100%", height: "100%", fill: colour("--paper") }));
    return new XMLSerializer().serializeToString(copy);
  }
  function table() {
    const cell = (v) => (typeof v === "number" ? v : `"${String(v).replaceAll('"', '""')}"`);
    const rows = spec.series.flatMap((s) => s.x.map((x, i) => [s.name, x, s.y[i]]));
    return `${[["series", spec.x.label, spec.y.label ?? spec.title], ...rows].map((row) => row.map(cell).join(",")).join("\n")}\n`;
  }

  new ResizeObserver(() => draw()).observe(stage);
  new MutationObserver(() => draw()).observe(document.body, { attributeFilter: ["class"] });
  return { node, draw, figure };
}

export function saveAs(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
