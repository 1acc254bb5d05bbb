// The variational bound, bar by bar, with its totals for each choice of variance.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createBench } from "./lab.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

export function mountLabBound(root) {
  const plot = createPlot("plot-bound"),
    table = el("table", { class: "plain", id: "bound-totals" });
  const note = el("p", { class: "help" });
  const stage = el("div", { class: "bench-main" }, plot.node, table, note);
  let answer = null,
    asked = null;

  createBench(root, {
    id: "bench-bound",
    experiment: "bound",
    stage,
    controls: ["data", "model", "variance", "beta_schedule", "num_train_timesteps", "seed"],
    show: (next, values) => {
      answer = next;
      asked = values;
      draw();
    },
    shown: (values, parts) => {
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
    },
  });

  function draw() {
    if (!answer) return;
    const x = answer.terms.map((_, i) => i);
    const behind = answer.behind ? [{ name: t("lab.behind"), x, y: answer.behind, colour: "--plot-2" }] : [];
    // A continuous decoder's term may be negative, so only pictures get a logarithmic axis.
    const pictures = answer.unit === "bins";
    plot.draw({
      title: t("lab.bound.title"),
      x: { label: "t", low: -0.5, high: x.length - 0.5 },
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
    });
    const row = (name, value, strong) =>
      el("tr", { class: strong ? "strong" : "" }, el("th", {}, name), el("td", {}, figure(value)));
    const choices = Object.entries(answer.totals).map(([name, value]) =>
      row(`${t("lab.total")}: ${t(`choice.variance.${name}`)}`, value, name === asked.variance),
    );
    const known =
      answer.entropy != null ? [row(t("lab.entropy"), answer.entropy)] : [row(t("lab.nothing"), answer.nothing)];
    table.replaceChildren(
      el("tr", {}, el("th", {}, ""), el("th", {}, t("lab.bits"))),
      row("L₀", answer.terms[0]),
      row(
        under("L₁ … L", "T−1"),
        answer.terms.slice(1).reduce((a, b) => a + b, 0),
      ),
      row(under("L", "T"), answer.prior),
      ...choices,
      ...known,
    );
    note.textContent = t(pictures ? "lab.bound.digits" : "lab.bound.points", { examples: answer.examples });
  }
  const under = (name, index) => el("span", {}, name, el("sub", {}, index));
  on("language", draw);
}
