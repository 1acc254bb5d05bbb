// What a GAN's discriminator says of pictures: how its scores spread over real and made ones, and the score of each.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { colour } from "./plot_drawing.js";
import { t } from "./words.js";

const BINS = 14,
  COLUMNS = 10,
  TILE = 44,
  LINE = 15,
  EDGE = 2;

// `draw(judged, sheets)`: { made, real } scores, and the bitmaps of the same pictures, COLUMNS to a row.
export function createFamilyJudge() {
  const spread = createPlot("plot-family-judge"),
    note = el("p", { class: "help" });
  const parts = Object.fromEntries(
    ["made", "real"].map((name) => [
      name,
      { name: el("figcaption"), canvas: el("canvas", { id: `family-judged-${name}`, role: "img" }) },
    ]),
  );
  const node = el(
    "section",
    { class: "judge", id: "family-judge", hidden: true },
    note,
    spread.node,
    el(
      "div",
      { class: "judge-sheets" },
      ...Object.values(parts).map(({ name, canvas }) => el("figure", { class: "plane-figure" }, name, canvas)),
    ),
  );
  let shown = null;

  function draw(judged, sheets) {
    shown = judged && { judged, sheets };
    node.hidden = !shown;
    if (!shown) return;
    histogram(judged);
    const all = [...judged.made, ...judged.real],
      low = Math.min(...all),
      high = Math.max(...all);
    for (const name of Object.keys(parts))
      scored(parts[name].canvas, sheets[name], judged[name], (score) =>
        high > low ? (score - low) / (high - low) : 0.5,
      );
  }
  function histogram({ made, real }) {
    const all = [...made, ...real],
      low = Math.min(...all),
      wide = (Math.max(...all) - low) / BINS || 1;
    const middles = Array.from({ length: BINS }, (_, i) => low + (i + 0.5) * wide);
    const count = (scores) =>
      middles.map(
        (_, i) => scores.filter((score) => Math.min(BINS - 1, Math.floor((score - low) / wide)) === i).length,
      );
    const series = [
      ["real", "--plot-1", real, -0.2],
      ["made", "--plot-2", made, 0.2],
    ].map(([name, colour, scores, aside]) => ({
      name: t(`family.judge.${name}`),
      x: middles.map((x) => x + aside * wide),
      y: count(scores),
      colour,
      kind: "bars",
      wide: 0.36,
    }));
    spread.draw({
      title: t("family.judge"),
      x: { label: "D(x)", low, high: low + BINS * wide },
      y: { low: 0 },
      series,
    });
  }
  // Each picture with its score below it, over a bar that is the longer the more real it looks.
  function scored(canvas, sheet, scores, share) {
    const rows = Math.ceil(scores.length / COLUMNS),
      side = sheet.width / COLUMNS;
    Object.assign(canvas, { width: COLUMNS * (TILE + EDGE), height: rows * (TILE + LINE + EDGE) });
    const pen = canvas.getContext("2d");
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
  function say() {
    note.textContent = t("family.judge.help");
    for (const [name, { name: caption, canvas }] of Object.entries(parts)) {
      caption.textContent = t(`family.judge.${name}`);
      canvas.setAttribute("aria-label", caption.textContent);
    }
    if (shown) draw(shown.judged, shown.sheets);
  }
  on("language", say);
  say();
  return { node, draw };
}
