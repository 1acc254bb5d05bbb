// A plot as a file: PNG, SVG or CSV; and how the page saves any file.
import { context, el } from "./dom.js";
import { colour, mark } from "./plot_drawing.js";

/** @param {string} name @param {Blob} blob */
export function saveAs(name, blob) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @typedef {import("./types.d.ts").Drawing} Drawing */
/** @param {Drawing["spec"]} spec */
const nameOf = (spec) => (spec.title || "plot").replace(/[^\p{L}\p{N}]+/gu, "-").toLowerCase();

/** Saves what is drawn, by the kind of file. @type {Record<string, (drawn: Drawing) => unknown>} */
export const SAVING = {
  svg: ({ spec, svg }) => saveAs(`${nameOf(spec)}.svg`, new Blob([standalone(svg)], { type: "image/svg+xml" })),
  csv: ({ spec }) => saveAs(`${nameOf(spec)}.csv`, new Blob([table(spec)], { type: "text/csv" })),
  png: async ({ spec, svg, axes }) => {
    const picture = new Image();
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
    await picture.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: axes.width * 2, height: axes.height * 2 });
    context(canvas).drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && saveAs(`${nameOf(spec)}.png`, blob));
  },
};
/** @param {SVGElement} svg */
function standalone(svg) {
  const copy = /** @type {SVGElement} */ (svg.cloneNode(true));
  copy.prepend(mark("rect", { width: "100%", height: "100%", fill: colour("--paper") }));
  return new XMLSerializer().serializeToString(copy);
}
/** @param {Drawing["spec"]} spec */
function table(spec) {
  const cell = (/** @type {string | number} */ v) =>
    typeof v === "number" ? v : `"${String(v).replaceAll('"', '""')}"`;
  /** @type {(string | number)[][]} */
  const rows = spec.series.flatMap((s) => s.x.map((x, i) => [s.name, x, s.y[i]])).filter(([, , y]) => !Number.isNaN(y));
  const heads = ["series", spec.x.label ?? "", spec.y.label ?? spec.title];
  return `${[heads, ...rows].map((row) => row.map(cell).join(",")).join("\n")}\n`;
}
