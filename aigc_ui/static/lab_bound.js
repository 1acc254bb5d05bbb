// The variational bound, bar by bar, with its totals for each choice of variance.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createBench } from "./lab.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").BoundRequest} Values
 * @typedef {import("./types.d.ts").BoundAnswer} Answer
 */

/** @param {HTMLElement} root */
export function mountLabBound(root) {
  const plot = createPlot("plot-bound"),
    table = el("table", { class: "plain", id: "bound-totals" });
  const note = el("p", { class: "help" });
  const stage = el("div", { class: "bench-main" }, plot.node, table, note);
  /** @type {{ answer: Answer, asked: Values } | null} */
  let seen = null;

  createBench(root, {
    id: "bench-bound",
    experiment: "bound",
    stage,
    controls: ["data", "model", "variance", "beta_schedule", "num_train_timesteps", "seed"],
    show: (/** @type {Answer} */ answer, /** @type {Values} */ asked) => {
      seen = { answer, asked };
      draw();
    },
    shown: fit,
  });

  function draw() {
    if (!seen) return;
    const { answer, asked } = seen,
      pictures = answer.unit === "bins";
    plot.draw(barsOf(answer, asked));
    table.replaceChildren(...totals(answer, asked));
    note.textContent = t(pictures ? "lab.bound.digits" : "lab.bound.points", { examples: answer.examples });
  }
  on("language", draw);
}

/** Digits have their own schedule, and not every model every variance. @param {Values} values @param {import("./types.d.ts").Parts} parts */
function fit(values, parts) {
  const digits = values.data === "digits";
  if (parts.model) parts.model.node.hidden = !digits;
  for (const name of ["beta_schedule", "num_train_timesteps"]) if (parts[name]) parts[name].node.hidden = digits;
  if (values.variance === "learned_range" && !(digits && values.model === "learned")) {
    values.variance = "fixed_small";
    parts.variance?.set("fixed_small");
  }
  if (values.beta_schedule === "drawn") {
    values.beta_schedule = "linear";
    parts.beta_schedule?.set("linear");
  }
}

/** @param {Answer} answer @param {Values} asked @returns {import("./types.d.ts").PlotSpec} */
function barsOf(answer, asked) {
  const x = answer.terms.map((_, i) => i + 1); // the step from t to t − 1 costs L of t − 1
  const behind = answer.behind ? [{ name: t("lab.behind"), x, y: answer.behind, colour: "--plot-2" }] : [];
  // A continuous decoder's term may be negative, so only pictures get a logarithmic axis.
  const pictures = answer.unit === "bins";
  return {
    title: t("lab.bound.title"),
    x: { label: t("lab.bound.t"), low: 0.5, high: x.length + 0.5 },
    y: pictures ? { log: true } : {},
    series: [
      {
        name: t(pictures ? `choice.model.${asked.model}` : "choice.model.ideal"),
        x,
        y: answer.terms,
        colour: "--plot-1",
        kind: "bars",
      },
      ...behind,
    ],
  };
}

/** The rows of the table. @param {Answer} answer @param {Values} asked */
function totals(answer, asked) {
  /** @type {(name: string | Node, value: number, strong?: boolean) => HTMLElement} */
  const row = (name, value, strong) =>
    el("tr", { class: strong ? "strong" : "" }, el("th", {}, name), el("td", {}, figure(value)));
  const choices = Object.entries(answer.totals).map(([name, value]) =>
    row(`${t("lab.total")}: ${t(`choice.variance.${name}`)}`, value, name === asked.variance),
  );
  const known = answer.entropy != null ? row(t("lab.entropy"), answer.entropy) : row(t("lab.nothing"), answer.nothing);
  const between = answer.terms.slice(1).reduce((a, b) => a + b, 0);
  return [
    el("tr", {}, el("th", {}, ""), el("th", {}, t("lab.bits"))),
    row("L₀", answer.terms[0]),
    row(under("L₁ … L", "T−1"), between),
    row(under("L", "T"), answer.prior),
    ...choices,
    known,
  ];
}
/** @param {string} name @param {string} index */
const under = (name, index) => el("span", {}, name, el("sub", {}, index));
