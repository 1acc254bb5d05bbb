// Any family learns points or digits in front of the class: samples, what it thinks of every place, losses, figures.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { createFamilyJudge } from "./family_judge.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { createRunner } from "./follow.js";
import { createBench } from "./lab.js";
import { createPlane, planeKey, planePicture } from "./lab_plane.js";
import { createPlayer } from "./player.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

const OWN = {
  // controls that only some families heed
  generator_width: ["gan"],
  game: ["gan"],
  only: ["gan"],
  only_from: ["gan"],
  only_steps: ["gan"],
  latent: ["gan", "vae"],
  beta: ["vae"],
  num_inference_steps: ["diffusion", "flow-matching"],
};
const ALONE = ["only_from", "only_steps"]; // controls that only a time of one player alone heeds
const COLOURS = ["--plot-1", "--plot-2"];
const FIGURES = ["modes", "astray", "distance", "bits", "kl", "told_apart"];
const WIDE = 360;

export function mountFamilyTraining(root) {
  const plane = createPlane("family-plane"),
    pictures = el("canvas", { id: "family-sheet", role: "img" });
  const manifold = el("canvas", { id: "family-manifold", role: "img" }),
    manifoldName = el("figcaption");
  const manifoldNode = el("figure", { class: "plane-figure", hidden: true }, manifoldName, manifold);
  const runner = createRunner("family", {
    generator: "family-training",
    request: () => bench.values(),
    word: "train.start",
    begun,
    heard: {
      loss: ({ step, losses: told }) => {
        for (const [name, value] of Object.entries(told)) (losses[name] ??= []).push([step, value]);
        drawLosses();
      },
      progress: ({ stage: what, done, total }) => {
        if (what === "training") runner.status.textContent = t("train.step", { done, total });
      },
      snapshot: (told) => take(told),
    },
  });
  const table = el("table", { class: "plain", id: "family-figures" }),
    legend = el("ul", { class: "plane-legend" });
  const judge = createFamilyJudge();
  const loss = createPlot("plot-family-loss"),
    modes = createPlot("plot-family-course"),
    note = el("p", { class: "help" });
  const { play, range, pace } = createPlayer(
    { play: "family-play", range: "family-step" },
    { show: go, pause: () => 250 },
  );
  const again = el("div", { class: "plane-line", hidden: true }, play, range, createSheetFilms("training", film, pace));
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    ...runner.nodes,
    el(
      "div",
      { class: "plane-row", hidden: true },
      el("figure", { class: "plane-figure" }, plane.canvas, pictures),
      el("div", { class: "plane-side" }, table, legend, manifoldNode),
    ),
    again,
    judge.node,
    el("div", { class: "plots", hidden: true }, loss.node, modes.node),
  );
  const row = stage.querySelector(".plane-row"),
    plots = stage.querySelector(".plots");
  let learned = "",
    losses = {},
    snapshots = [],
    at = 0;

  const bench = createBench(root, {
    id: "bench-family-training",
    experiment: "family-training",
    stage,
    controls: [
      "family",
      "data",
      "training_steps",
      "width",
      "generator_width",
      "game",
      "only",
      "only_from",
      "only_steps",
      "latent",
      "beta",
      "num_inference_steps",
      "learning_rate",
      "seed",
    ],
    request: async () => ({}),
    show: () => {},
    shown: ({ family, only }, parts) => {
      for (const [name, whose] of Object.entries(OWN))
        if (parts[name]) parts[name].node.hidden = !whose.includes(family) || (ALONE.includes(name) && only === "both");
    },
  });

  function begun() {
    learned = bench.values().family;
    losses = {};
    snapshots.forEach(({ bitmaps }) => bitmaps.forEach((bitmap) => bitmap?.close()));
    snapshots = [];
    row.hidden = plots.hidden = again.hidden = true;
    judge.draw(null);
  }

  // Every snapshot that arrives stays, to be gone through again.
  const take = async ({ step, values }) => {
    const mine = runner.job(),
      bitmaps = await Promise.all(
        [values.sheet?.[0], values.manifold?.[0], values.real_sheet?.[0]].map((picture) => picture && decode(picture)),
      );
    if (mine !== runner.job()) return;
    snapshots.push({ step, values, bitmaps });
    row.hidden = plots.hidden = false;
    again.hidden = snapshots.length < 2;
    range.max = snapshots.length - 1;
    go(snapshots.length - 1);
    drawCourse();
  };
  function go(place) {
    at = place;
    range.value = place;
    const {
      values,
      bitmaps: [sheet, lattice, real],
      step,
    } = snapshots[place];
    plane.canvas.hidden = !values.samples;
    pictures.hidden = !sheet;
    manifoldNode.hidden = !lattice;
    if (values.samples) plane.draw(scene(values));
    if (sheet) onto(pictures, sheet);
    if (lattice) onto(manifold, lattice);
    judge.draw(values.judged, { made: sheet, real });
    if (!runner.running()) runner.status.textContent = t("train.step", { done: step, total: snapshots.at(-1).step });
    tell(values.figures);
    explain(values);
  }
  const scene = ({ samples, real, thinks, reach }) => ({
    reach,
    heat: thinks && { values: thinks },
    marks: [
      { kind: "dots", places: real, colour: "--plot-4", radius: 1.5 },
      { kind: "dots", places: samples, colour: "--plot-2", radius: 2.2 },
    ],
  });
  function tell(figures) {
    const told = {
      modes: figures.modes_of_data && `${figures.modes} / ${figures.modes_of_data}`,
      astray: figures.astray != null && `${figure(100 * figures.astray)} %`,
      distance:
        figures.distance != null &&
        `${figure(figures.distance)} (${t("family.best")} ${figure(figures.distance_of_data)})`,
      bits:
        figures.bits != null &&
        `${figure(figures.bits)}${figures.bits_of_data != null ? ` (${t("family.best")} ${figure(figures.bits_of_data)})` : ""}`,
      kl: figures.kl != null && `${figure(figures.kl)} nat`,
      told_apart: figures.told_apart != null && `${figure(100 * figures.told_apart)} %`,
    };
    table.replaceChildren(
      ...FIGURES.filter((name) => told[name]).map((name) =>
        el("tr", {}, el("th", {}, t(`family.figure.${name}`)), el("td", {}, told[name])),
      ),
    );
  }
  function explain({ samples, thinks, manifold: lattice }) {
    const line = (name, text) => el("li", {}, planeKey("path", name), text);
    legend.replaceChildren(
      ...(samples ? [line("--plot-2", t("family.key.samples")), line("--plot-4", t("family.key.real"))] : []),
      ...(thinks ? [line("--plot-1", t(`family.key.${learned === "flow" ? "density" : "judge"}`))] : []),
    );
    manifoldName.textContent = lattice ? t("family.manifold") : "";
  }
  function drawLosses() {
    const series = Object.entries(losses).map(([name, points], i) => ({
      name: t(`family.loss.${name}`),
      x: points.map(([step]) => step),
      y: points.map(([, value]) => value),
      colour: COLOURS[i % 2],
    }));
    loss.draw({ title: t("train.loss"), x: { label: t("train.steps"), low: 0 }, y: {}, series });
  }
  // What can be counted, over the course of the training.
  function drawCourse() {
    const first = snapshots[0].values.figures,
      name = ["modes", "kl", "distance", "bits", "told_apart"].find((what) => what in first);
    modes.node.hidden = !name;
    if (!name) return;
    const known = snapshots.filter(({ values }) => name in values.figures);
    modes.draw({
      title: t(`family.figure.${name}`),
      x: { label: t("train.steps"), low: 0 },
      y: { low: 0, high: name === "modes" ? first.modes_of_data : name === "told_apart" ? 1 : undefined },
      series: [
        {
          name: t(`family.figure.${name}`),
          x: known.map(({ step }) => step),
          y: known.map(({ values }) => values.figures[name]),
          colour: "--plot-1",
        },
      ],
    });
  }
  function* film() {
    for (const {
      values,
      bitmaps: [sheet],
      step,
    } of snapshots) {
      const picture = sheet ?? planePicture(scene(values), WIDE);
      yield drawSheet({
        title: t("train.step", { done: step, total: snapshots.at(-1).step }),
        wide: WIDE,
        crisp: Boolean(sheet),
        tiles: [{ picture, name: t(`choice.family.${learned}`) }],
      });
    }
  }
  function say() {
    note.textContent = t("family.help");
    pictures.setAttribute("aria-label", t("family.key.samples"));
    plane.canvas.setAttribute("aria-label", t("family.key.samples"));
    if (snapshots.length) {
      go(at);
      drawLosses();
      drawCourse();
    }
  }
  on("language", say);
  say();
}
