// What a GAN's discriminator says of pictures: how its scores spread over real and made ones, and the score of each.
import { context, el } from "./dom.js";
import { on } from "./events.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { colour } from "./plot_drawing.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").Judged} Judged
 * @typedef {Record<keyof Judged, ImageBitmap | undefined>} Sheets the same pictures, COLUMNS to a row
 */

const BINS = 14,
  COLUMNS = 10,
  TILE = 44,
  LINE = 15,
  EDGE = 2;
/** @type {(keyof Judged)[]} */
const WHOSE = ["made", "real"];

/** `draw(judged, sheets)` shows scores and their pictures; nothing where there are none. */
export function createFamilyJudge() {
  const spread = createPlot("plot-family-judge"),
    note = el("p", { class: "help" });
  const parts = WHOSE.map((name) => ({
    name,
    caption: el("figcaption"),
    canvas: el("canvas", { id: `family-judged-${name}`, role: "img" }),
  }));
  const sheetsNode = el(
    "div",
    { class: "judge-sheets" },
    ...parts.map(({ caption, canvas }) => el("figure", { class: "plane-figure" }, caption, canvas)),
  );
  const node = el("section", { class: "judge", id: "family-judge", hidden: true }, note, spread.node, sheetsNode);
  /** @type {{ judged: Judged, sheets: Sheets } | null} */
  let shown = null;

  /** @param {Judged | null | undefined} judged @param {Sheets} [sheets] */
  function draw(judged, sheets) {
    shown = judged && sheets ? { judged, sheets } : null;
    node.hidden = !shown;
    if (!judged || !sheets) return;
    spread.draw(histogram(judged));
    const all = [...judged.made, ...judged.real],
      low = Math.min(...all),
      high = Math.max(...all);
    for (const { name, canvas } of parts) {
      const sheet = sheets[name];
      if (sheet) scored(canvas, sheet, judged[name], (score) => (high > low ? (score - low) / (high - low) : 0.5));
    }
  }
  function say() {
    note.textContent = t("family.judge.help");
    for (const { name, caption, canvas } of parts) {
      caption.textContent = t(`family.judge.${name}`);
      canvas.setAttribute("aria-label", caption.textContent);
    }
    if (shown) draw(shown.judged, shown.sheets);
  }
  on("language", say);
  say();
  return { node, draw };
}

/** How many pictures have which score. @param {Judged} judged @returns {import("./types.d.ts").PlotSpec} */
function histogram({ made, real }) {
  const all = [...made, ...real],
    low = Math.min(...all),
    wide = (Math.max(...all) - low) / BINS || 1;
  const middles = Array.from({ length: BINS }, (_, i) => low + (i + 0.5) * wide);
  /** @param {number[]} scores */
  const count = (scores) =>
    middles.map((_, i) => scores.filter((score) => Math.min(BINS - 1, Math.floor((score - low) / wide)) === i).length);
  /** @type {(name: keyof Judged, colour: string, scores: number[], aside: number) => import("./types.d.ts").Series} */
  const bars = (name, colour, scores, aside) => ({
    name: t(`family.judge.${name}`),
    x: middles.map((x) => x + aside * wide),
    y: count(scores),
    colour,
    kind: "bars",
    wide: 0.36,
  });
  return {
    title: t("family.judge"),
    x: { label: "D(x)", low, high: low + BINS * wide },
    y: { low: 0 },
    series: [bars("real", "--plot-1", real, -0.2), bars("made", "--plot-2", made, 0.2)],
  };
}

/**
 * Each picture with its score below it, over a bar that is the longer the more real it looks.
 * @param {HTMLCanvasElement} canvas @param {ImageBitmap} sheet @param {number[]} scores
 * @param {(score: number) => number} share of the bar
 */
function scored(canvas, sheet, scores, share) {
  const rows = Math.ceil(scores.length / COLUMNS),
    side = sheet.width / COLUMNS;
  Object.assign(canvas, { width: COLUMNS * (TILE + EDGE), height: rows * (TILE + LINE + EDGE) });
  const pen = context(canvas);
  pen.imageSmoothingEnabled = false;
  Object.assign(pen, { font: "11px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
  scores.forEach((score, i) => {
    const column = i % COLUMNS,
      row = Math.floor(i / COLUMNS),
      x = column * (TILE + EDGE),
      y = row * (TILE + LINE + EDGE);
    pen.drawImage(sheet, column * side, row * side, side, side, x, y, TILE, TILE);
    pen.fillStyle = colour("--line");
    pen.fillRect(x, y + TILE, share(score) * TILE, LINE);
    pen.fillStyle = colour("--ink");
    pen.fillText(figure(+score.toFixed(1)), x + TILE / 2, y + TILE + LINE / 2 + 1, TILE);
  });
}
