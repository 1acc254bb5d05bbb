// The β schedule workbench: curves that follow the sliders, gauges of what is left, and a picture under the noise.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createBench } from "./lab.js";
import { curveHandles } from "./lab_curve.js";
import { createNoisedPicture } from "./lab_noised.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

const KEPT = 3; // schedules that stay for comparison
const STARTING = [
  [0, 0.0001],
  [0.5, 0.005],
  [1, 0.02],
];
const COLOURS = ["--plot-2", "--plot-3", "--plot-4"];
let drawn = STARTING;
// The curve that was drawn last, for other benches.
export const drawnSchedule = () => drawn.map((p) => [...p]);

export function mountLabSchedule(root) {
  const plots = Object.fromEntries(["beta", "signal", "snr", "posterior"].map((id) => [id, createPlot(`plot-${id}`)]));
  const left = gauge("gauge-signal"),
    prior = gauge("gauge-prior");
  const keep = el("button", { type: "button", id: "schedule-keep" }),
    clear = el("button", { type: "button", class: "quiet" });
  const hint = el("p", { class: "help" });
  const noised = createNoisedPicture({ schedule: () => asked, moved: draw });
  const stage = el(
    "div",
    { class: "bench-main" },
    el("div", { class: "gauges" }, left.node, prior.node, keep, clear),
    noised.node,
    el("div", { class: "plots" }, ...Object.values(plots).map((p) => p.node)),
  );
  let ghosts = [],
    answer = null,
    asked = null;

  const bench = createBench(root, {
    id: "bench-schedule",
    experiment: "schedule",
    stage,
    look: noised.look,
    controls: ["beta_schedule", "num_train_timesteps", "beta_start", "beta_end", "offset", "zero_snr"],
    show: (next, values) => {
      answer = next;
      asked = values;
      draw();
      return noised.show();
    },
    shown: (values, parts) => {
      if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = STARTING.map((p) => [...p]);
      if (values.curve.length) drawn = values.curve;
      for (const name of ["beta_start", "beta_end"]) parts[name].node.hidden = values.beta_schedule === "drawn";
      parts.offset.node.hidden = values.beta_schedule !== "cosine";
    },
  });
  bench.side.after(hint);

  function gauge(id) {
    const value = el("b", { class: "figures" }),
      name = el("span"),
      node = el("div", { class: "gauge", id }, value, name);
    return {
      node,
      show: (number, text, bad) => {
        value.textContent = figure(number);
        name.textContent = text;
        node.classList.toggle("bad", bad);
      },
    };
  }
  const T = () => asked.num_train_timesteps;

  function draw() {
    if (!answer) return;
    left.show(answer.signal_left, t("lab.signal_left"), answer.signal_left > answer.most_signal);
    prior.show(answer.prior_bits, t("lab.prior"), answer.prior_bits > answer.most_prior);
    hint.textContent =
      asked.beta_schedule === "drawn" ? t("lab.draw.help") : answer.too_much_left ? t("lab.too_much_left") : "";
    const x = { label: "t", low: 0, high: T() - 1 },
      at = noised.step(),
      own = nameOf(asked);
    // Schedules of other lengths are compared over the share of their steps.
    const line = (name, colour, text) => [
      { name: text ?? own, x: answer.t, y: answer.curves[name], colour },
      ...ghosts.map((g, i) => ({
        name: text ? `${text} · ${g.name}` : g.name,
        ghost: true,
        colour: COLOURS[i],
        x: g.t.map((v) => (v / (g.T - 1)) * (T() - 1)),
        y: g.curves[name],
      })),
    ];
    plots.beta.draw({
      title: t("lab.plot.beta"),
      x,
      y: { log: true },
      at,
      series: line("beta", "--plot-1"),
      drag: dragging(),
    });
    plots.signal.draw({
      title: t("lab.plot.signal"),
      x,
      y: { low: 0, high: 1 },
      at,
      series: [
        ...line("signal", "--plot-1", "√ᾱ"),
        { name: "√(1−ᾱ)", x: answer.t, y: answer.curves.noise, colour: "--plot-5" },
        { name: "ᾱ", x: answer.t, y: answer.curves.alphas_cumprod, colour: "--plot-1", dash: "5 4" },
      ],
    });
    plots.snr.draw({ title: t("lab.plot.snr"), x, y: {}, at, series: line("log_snr", "--plot-1") });
    plots.posterior.draw({
      title: t("lab.plot.posterior"),
      x,
      y: { log: true },
      at,
      series: line("posterior_variance", "--plot-1"),
    });
    keep.textContent = t("lab.keep");
    clear.textContent = t("lab.clear");
    clear.hidden = !ghosts.length;
  }
  const nameOf = (values) => t(`choice.beta_schedule.${values.beta_schedule}`);

  function dragging() {
    if (asked.beta_schedule !== "drawn") return null;
    return curveHandles({
      points: () => bench.values().curve,
      put: (next) => bench.change("curve", next),
      wide: T() - 1,
      low: 1e-6,
      high: 0.999,
    });
  }

  keep.addEventListener("click", () => {
    if (!answer) return;
    ghosts = [{ ...answer, T: T(), name: nameOf(asked) }, ...ghosts].slice(0, KEPT);
    draw();
  });
  clear.addEventListener("click", () => {
    ghosts = [];
    draw();
  });
  on("language", draw);
}
