// Any family learns points or digits in front of the class: samples, what it thinks of every place, losses, figures.
import { decode, el, onto, ontoApart } from "./dom.js";
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

/**
 * @typedef {import("./engine.d.ts").FamilyTrainingRequest} Values
 * @typedef {import("./types.d.ts").LearnedFamily} Learned
 * @typedef {ImageBitmap | undefined} Bitmap
 * @typedef {{ step: number, values: Learned, sheet: Bitmap, manifold: Bitmap, real: Bitmap }} Snapshot
 */

/** Controls that only some families heed. @type {Record<string, string[]>} */
const OWN = {
  generator_width: ["gan"],
  game: ["gan"],
  only: ["gan"],
  only_from: ["gan"],
  only_steps: ["gan"],
  latent: ["gan", "vae"],
  beta: ["vae"],
  prior_couplings: ["vae"],
  num_inference_steps: ["diffusion", "flow-matching"],
};
const ALONE = ["only_from", "only_steps"]; // controls that only a time of one player alone heeds
const COLOURS = ["--plot-1", "--plot-2"];
const FIGURES = ["modes", "astray", "distance", "bits", "kl", "told_apart"];
/** The first that there is, is drawn over the training. */
const COURSES = /** @type {const} */ (["modes", "kl", "distance", "bits", "told_apart"]);
const WIDE = 360,
  COLUMNS = 10; // of a film's picture; pictures in a row of a sheet

/** @type {(keyof Values)[]} */
const CONTROLS = [
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
  "prior_couplings",
  "num_inference_steps",
  "learning_rate",
  "seed",
];

/** @param {HTMLElement} root */
export function mountFamilyTraining(root) {
  const course = createCourse(),
    replay = createReplay((total) => {
      if (!runner.running()) runner.status.textContent = t("train.step", total);
    });
  const runner = createRunner("family", {
    generator: "family-training",
    request: () => ({ ...bench.values() }),
    word: "train.start",
    begun: ({ family }) => {
      course.begin();
      replay.begin(family);
    },
    heard: {
      loss: course.hear,
      progress: (/** @type {import("./engine.d.ts").Progress} */ { stage: what, done, total }) => {
        if (what === "training") runner.status.textContent = t("train.step", { done, total });
      },
      snapshot: async (/** @type {import("./engine.d.ts").Snapshot} */ event) => {
        const mine = runner.job(),
          snapshot = await decoded(event);
        if (mine !== runner.job()) return;
        course.draw(replay.add(snapshot));
      },
    },
  });
  const note = el("p", { class: "help" });
  const stage = el("div", { class: "bench-main" }, note, ...runner.nodes, ...replay.nodes, course.node);

  const bench = createBench(root, {
    id: "bench-family-training",
    experiment: "family-training",
    stage,
    controls: CONTROLS,
    request: async (/** @type {Values} */ _values) => ({}),
    show: () => {},
    shown: fit,
    ready: (given) => runner.resume(bench.restored(given)),
  });

  function say() {
    note.textContent = t("family.help");
    const snapshots = replay.say();
    if (!snapshots.length) return;
    course.drawLosses();
    course.draw(snapshots);
  }
  on("language", say);
  say();
}

/** @param {import("./engine.d.ts").Snapshot} event @returns {Promise<Snapshot>} */
async function decoded({ step, values: learned }) {
  const values = /** @type {Learned} */ (learned);
  const [sheet, manifold, real] = await Promise.all(
    [values.sheet, values.manifold, values.real_sheet].map((pictures) => (pictures ? decode(pictures[0]) : undefined)),
  );
  return { step, values, sheet, manifold, real };
}

/**
 * Every snapshot that has arrived, to be gone through again.
 * @param {(step: { done: number, total: number }) => void} at which one is looked at
 */
function createReplay(at) {
  const view = createSnapshotView();
  const { play, range, pace } = createPlayer(
    { play: "family-play", range: "family-step" },
    { show: go, pause: () => 250 },
  );
  const films = createSheetFilms("training", () => filmOf(snapshots, learned), pace);
  const again = el("div", { class: "plane-line", hidden: true }, play, range, films);
  let learned = "",
    present = 0;
  /** @type {Snapshot[]} */
  let snapshots = [];
  const last = () => snapshots[snapshots.length - 1];

  /** @param {number} place */
  function go(place) {
    present = place;
    range.value = String(place);
    view.draw(snapshots[place], learned);
    at({ done: snapshots[place].step, total: last().step });
  }
  /** @param {string} family that learns now */
  function begin(family) {
    learned = family;
    for (const { sheet, manifold, real } of snapshots) for (const bitmap of [sheet, manifold, real]) bitmap?.close();
    snapshots = [];
    view.row.hidden = again.hidden = true;
    view.judge.draw(null);
  }
  /** @param {Snapshot} snapshot */
  function add(snapshot) {
    snapshots.push(snapshot);
    view.row.hidden = false;
    again.hidden = snapshots.length < 2;
    range.max = String(snapshots.length - 1);
    go(snapshots.length - 1);
    return snapshots;
  }
  function say() {
    view.say();
    if (snapshots.length) go(present);
    return snapshots;
  }
  return { nodes: [view.row, again, view.judge.node], begin, add, say };
}

/** Controls that this family does not heed are put away. @param {Values} values @param {import("./types.d.ts").Parts} parts */
function fit({ family, only }, parts) {
  for (const [name, whose] of Object.entries(OWN))
    if (parts[name]) parts[name].node.hidden = !whose.includes(family) || (ALONE.includes(name) && only === "both");
}

/** One snapshot: samples on the plane or as pictures, the manifold, figures, and what the judge says. */
function createSnapshotView() {
  const plane = createPlane("family-plane"),
    pictures = el("canvas", { id: "family-sheet", role: "img" });
  const manifold = el("canvas", { id: "family-manifold", role: "img" }),
    manifoldName = el("figcaption"),
    manifoldNode = el("figure", { class: "plane-figure", hidden: true }, manifoldName, manifold);
  const table = el("table", { class: "plain", id: "family-figures" }),
    legend = el("ul", { class: "plane-legend" }),
    judge = createFamilyJudge();
  const row = el(
    "div",
    { class: "plane-row", hidden: true },
    el("figure", { class: "plane-figure" }, plane.canvas, pictures),
    el("div", { class: "plane-side" }, table, legend, manifoldNode),
  );
  /** @param {Snapshot} snapshot @param {string} learned the family */
  function draw({ values, sheet, manifold: lattice, real }, learned) {
    plane.canvas.hidden = !values.samples;
    pictures.hidden = !sheet;
    manifoldNode.hidden = !lattice;
    if (values.samples) plane.draw(sceneOf(values));
    if (sheet) ontoApart(pictures, sheet, sheet.width / COLUMNS);
    if (lattice) onto(manifold, lattice);
    judge.draw(values.judged, { made: sheet, real });
    table.replaceChildren(...figuresOf(values.figures));
    legend.replaceChildren(...keysOf(values, learned));
    manifoldName.textContent = values.manifold ? t("family.manifold") : "";
  }
  function say() {
    pictures.setAttribute("aria-label", t("family.key.samples"));
    plane.canvas.setAttribute("aria-label", t("family.key.samples"));
  }
  return { row, judge, draw, say };
}

/** @param {Learned} values @returns {import("./types.d.ts").Scene} */
const sceneOf = ({ samples = [], real, thinks, reach }) => ({
  reach,
  heat: thinks ? { values: thinks } : null,
  marks: [
    { kind: "dots", places: real, colour: "--plot-4", radius: 1.5 },
    { kind: "dots", places: samples, colour: "--plot-2", radius: 2.2 },
  ],
});

/** What the marks on the plane are. @param {Learned} values @param {string} learned the family */
function keysOf({ samples, thinks }, learned) {
  /** @type {(colour: string, text: string) => HTMLElement} */
  const line = (colour, text) => el("li", {}, planeKey("path", colour), text);
  return [
    ...(samples ? [line("--plot-2", t("family.key.samples")), line("--plot-4", t("family.key.real"))] : []),
    ...(thinks ? [line("--plot-1", t(`family.key.${learned === "flow" ? "density" : "judge"}`))] : []),
  ];
}

/** The rows of the table, of the figures that there are. @param {Learned["figures"]} figures */
function figuresOf(figures) {
  const { modes_of_data, astray, distance, distance_of_data = [], bits, bits_of_data, kl, told_apart } = figures;
  /** @param {(number | null | undefined)[]} values */
  const best = (...values) =>
    values.length && values.every((value) => value != null)
      ? ` (${t("family.best")} ${[...new Set(values.map((value) => figure(/** @type {number} */ (value))))].join(" … ")})`
      : "";
  /** @param {number} share */
  const percent = (share) => `${figure(100 * share)} %`;
  /** @type {Record<string, string>} */
  const texts = {
    modes: modes_of_data ? `${figures.modes} / ${modes_of_data}` : "",
    astray: astray != null ? percent(astray) : "",
    distance: distance != null ? figure(distance) + best(...distance_of_data) : "",
    bits: bits != null ? figure(bits) + best(bits_of_data) : "",
    kl: kl != null ? `${figure(kl)} nat` : "",
    told_apart: told_apart != null ? percent(told_apart) : "",
  };
  return FIGURES.filter((name) => texts[name]).map((name) =>
    el("tr", {}, el("th", {}, t(`family.figure.${name}`)), el("td", {}, texts[name])),
  );
}

/** Over the training: its losses, and what can be counted of its snapshots. */
function createCourse() {
  const loss = createPlot("plot-family-loss"),
    counted = createPlot("plot-family-course");
  const node = el("div", { class: "plots", hidden: true }, loss.node, counted.node);
  /** @type {Record<string, import("./types.d.ts").Place[]>} by step */
  let losses = {};
  function drawLosses() {
    const series = Object.entries(losses).map(([name, points], i) => ({
      name: t(`family.loss.${name}`),
      x: points.map(([step]) => step),
      y: points.map(([, value]) => value),
      colour: COLOURS[i % 2],
    }));
    loss.draw({ title: t("train.loss"), x: { label: t("train.steps"), low: 0 }, y: {}, series });
  }
  /** @param {import("./engine.d.ts").Loss} event */
  function hear({ step, losses: values }) {
    for (const [name, value] of Object.entries(values)) (losses[name] ??= []).push([step, value]);
    drawLosses();
  }
  /** @param {Snapshot[]} snapshots */
  function draw(snapshots) {
    node.hidden = false;
    const first = snapshots[0].values.figures,
      name = COURSES.find((what) => what in first);
    counted.node.hidden = !name;
    if (!name) return;
    const known = snapshots.filter(({ values }) => name in values.figures),
      highest = { modes: first.modes_of_data, kl: undefined, distance: undefined, bits: undefined, told_apart: 1 },
      high = highest[name];
    const series = {
      name: t(`family.figure.${name}`),
      x: known.map(({ step }) => step),
      y: known.map(({ values }) => values.figures[name] ?? NaN),
      colour: "--plot-1",
    };
    const x = { label: t("train.steps"), low: 0 };
    counted.draw({ title: series.name, x, y: { low: 0, high }, series: [series] });
  }
  const begin = () => {
    losses = {};
    node.hidden = true;
  };
  return { node, hear, draw, drawLosses, begin };
}

/** @param {Snapshot[]} snapshots @param {string} learned the family */
function* filmOf(snapshots, learned) {
  for (const { values, sheet, step } of snapshots)
    yield drawSheet({
      title: t("train.step", { done: step, total: snapshots[snapshots.length - 1].step }),
      wide: WIDE,
      crisp: Boolean(sheet),
      tiles: [{ picture: sheet ?? planePicture(sceneOf(values), WIDE), name: t(`choice.family.${learned}`) }],
    });
}
