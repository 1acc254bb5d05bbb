// The β schedule workbench: curves that follow the sliders, gauges of what is left, and a picture under the noise.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createBench } from "./lab.js";
import { curveHandles } from "./lab_curve.js";
import { createNoisedPicture } from "./lab_noised.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").ScheduleRequest} Values
 * @typedef {import("./types.d.ts").ScheduleAnswer} Answer
 * @typedef {import("./types.d.ts").Place} Place
 * @typedef {import("./types.d.ts").PlotSpec} PlotSpec
 * @typedef {Record<string, number[]>} Curves by name, NaN where there is no value
 * @typedef {{ answer: Answer, asked: Values, curves: Curves }} Seen
 * @typedef {{ name: string, T: number, t: number[], curves: Curves }} Ghost a schedule kept for comparison
 * @typedef {import("./types.d.ts").Series} Series
 */

const KEPT = 3; // schedules that stay for comparison
/** @type {Place[]} */
const STARTING = [
  [0, 0.0001],
  [0.5, 0.005],
  [1, 0.02],
];
const COLOURS = ["--plot-2", "--plot-3", "--plot-4"];
let drawn = STARTING;
/** @param {Place[]} points */
const copyOf = (points) => points.map(([a, b]) => /** @type {Place} */ ([a, b]));
// The curve that was drawn last, for other benches.
export const drawnSchedule = () => copyOf(drawn);

/** @param {HTMLElement} root */
export function mountLabSchedule(root) {
  const curves = createCurves(),
    gauges = createGauges();
  const hint = el("p", { class: "help" });
  const noised = createNoisedPicture({ schedule: () => seen?.asked, moved: draw });
  const ghosts = createGhosts(() => seen, draw);
  const stage = el(
    "div",
    { class: "bench-main" },
    el("div", { class: "gauges" }, ...gauges.nodes, ...ghosts.buttons),
    noised.node,
    curves.node,
  );
  /** @type {Seen | null} */
  let seen = null;

  const bench = createBench(root, {
    id: "bench-schedule",
    experiment: "schedule",
    stage,
    look: noised.look,
    controls: ["beta_schedule", "num_train_timesteps", "beta_start", "beta_end", "offset", "zero_snr"],
    show: (/** @type {Answer} */ answer, /** @type {Values} */ asked) => {
      seen = { answer, asked, curves: curvesOf(answer) };
      draw();
      return noised.show();
    },
    shown: (values, parts) => {
      if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = copyOf(STARTING);
      if (values.curve.length) drawn = values.curve;
      for (const name of ["beta_start", "beta_end"]) parts[name].node.hidden = values.beta_schedule === "drawn";
      parts.offset.node.hidden = values.beta_schedule !== "cosine";
    },
  });
  bench.side.after(hint);

  function draw() {
    if (!seen) return;
    const { answer, asked } = seen;
    gauges.show(answer);
    hint.textContent =
      asked.beta_schedule === "drawn" ? t("lab.draw.help") : answer.too_much_left ? t("lab.too_much_left") : "";
    curves.draw(seen, noised.step(), ghosts.all(), dragging(bench, asked));
    ghosts.say();
  }
  on("language", draw);
  ghosts.say();
}

/** What JSON cannot hold: log SNR is ∞ without noise, at t = 0, and −∞ without signal. @param {Answer} answer @returns {Curves} */
function curvesOf({ t: ts, curves }) {
  /** @type {(name: string, i: number) => number} */
  const none = (name, i) => (name !== "log_snr" ? NaN : ts[i] ? -Infinity : Infinity);
  return Object.fromEntries(Object.entries(curves).map(([name, ys]) => [name, ys.map((y, i) => y ?? none(name, i))]));
}

/** @param {Values} asked */
const nameOf = (asked) => t(`choice.beta_schedule.${asked.beta_schedule}`);

/** A drawn schedule's points can be moved. @param {import("./types.d.ts").BenchHandle<Values>} bench @param {Values} asked */
function dragging(bench, asked) {
  if (asked.beta_schedule !== "drawn") return null;
  return curveHandles({
    points: () => bench.values().curve,
    put: (next) => bench.change("curve", next),
    from: 1,
    wide: asked.num_train_timesteps - 1,
    low: 1e-6,
    high: 0.999,
  });
}

/** What is left of the signal at the end, and how far that is from pure noise. */
function createGauges() {
  const left = gauge("gauge-signal"),
    prior = gauge("gauge-prior");
  return {
    nodes: [left.node, prior.node],
    /** @param {Answer} answer */
    show: (answer) => {
      left.show(answer.signal_left, t("lab.signal_left"), answer.signal_left > answer.most_signal);
      prior.show(answer.prior_bits, t("lab.prior"), answer.prior_bits > answer.most_prior);
    },
  };
}
/** @param {string} id */
function gauge(id) {
  const value = el("b", { class: "figures" }),
    name = el("span"),
    node = el("div", { class: "gauge", id }, value, name);
  return {
    node,
    /** @type {(number: number, text: string, bad: boolean) => void} */
    show: (number, text, bad) => {
      value.textContent = figure(number);
      name.textContent = text;
      node.classList.toggle("bad", bad);
    },
  };
}

/**
 * Schedules that were kept for comparison, and the buttons that keep one and forget them all.
 * @param {() => Seen | null} seen @param {() => void} draw
 */
function createGhosts(seen, draw) {
  const keep = el("button", { type: "button", id: "schedule-keep" }),
    clear = el("button", { type: "button", class: "quiet" });
  /** @type {Ghost[]} */
  let ghosts = [];
  keep.addEventListener("click", () => {
    const present = seen();
    if (!present) return;
    const { answer, asked, curves } = present;
    const ghost = { name: nameOf(asked), T: asked.num_train_timesteps, t: answer.t, curves };
    ghosts = [ghost, ...ghosts].slice(0, KEPT);
    draw();
  });
  clear.addEventListener("click", () => {
    ghosts = [];
    draw();
  });
  return {
    buttons: [keep, clear],
    all: () => ghosts,
    say: () => {
      keep.textContent = t("lab.keep");
      clear.textContent = t("lab.clear");
      clear.hidden = !ghosts.length;
    },
  };
}

/** The four plots: β, the shares of signal and noise, their ratio, and the posterior's variance. */
function createCurves() {
  const [beta, signal, snr, posterior] = ["beta", "signal", "snr", "posterior"].map((id) => createPlot(`plot-${id}`));
  const node = el("div", { class: "plots" }, ...[beta, signal, snr, posterior].map((plot) => plot.node));
  /**
   * @param {Seen} seen @param {number} at the step that is looked at
   * @param {Ghost[]} ghosts @param {PlotSpec["drag"]} drag
   */
  function draw({ answer, asked, curves }, at, ghosts, drag) {
    const T = asked.num_train_timesteps,
      x = { label: "t", low: 0, high: T };
    /** @type {(name: string, text?: string) => Series[]} */
    const line = (name, text) => [
      { name: text ?? nameOf(asked), x: answer.t, y: curves[name], colour: "--plot-1" },
      ...ghosts.map((ghost, i) => ghostly(ghost, name, T, COLOURS[i], text)),
    ];
    beta.draw({ title: t("lab.plot.beta"), x, y: { log: true }, at, series: line("beta"), drag });
    signal.draw({
      title: t("lab.plot.signal"),
      x,
      y: { low: 0, high: 1 },
      at,
      series: [
        ...line("signal", "√ᾱ"),
        { name: "√(1−ᾱ)", x: answer.t, y: curves.noise, colour: "--plot-5" },
        { name: "ᾱ", x: answer.t, y: curves.alphas_cumprod, colour: "--plot-1", dash: "5 4" },
      ],
    });
    snr.draw({ title: t("lab.plot.snr"), x, y: {}, at, series: line("log_snr") });
    posterior.draw({ title: t("lab.plot.posterior"), x, y: { log: true }, at, series: line("posterior_variance") });
  }
  return { node, draw };
}
/**
 * Schedules of other lengths are compared over the share of their steps.
 * @type {(ghost: Ghost, name: string, T: number, colour: string, text?: string) => Series}
 */
const ghostly = (ghost, name, T, colour, text) => ({
  name: text ? `${text} · ${ghost.name}` : ghost.name,
  ghost: true,
  colour,
  x: ghost.t.map((v) => (v / ghost.T) * T),
  y: ghost.curves[name],
});
