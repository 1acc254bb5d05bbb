// The bound of a network that learns points, term by term beside the ideal denoiser's, with totals and the data's entropy.
import { el } from "./dom.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { remark } from "./sentences.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").LearnedBound} LearnedBound */

const PAINTS = { learned: "--plot-1", ideal: "--plot-2" };

export function createTrainingBound() {
  const plot = createPlot("plot-learned-bound"),
    table = el("table", { class: "plain", id: "learned-bound" });
  const note = el("p", { class: "help", id: "learned-bound-note" });
  const side = el("div", { class: "bound-side" }, table, note);

  /**
   * As a snapshot has it; null where that one was not measured.
   * @param {LearnedBound | null | undefined} bound @param {boolean} running
   */
  function draw(bound, running) {
    const known = Boolean(bound?.learned);
    plot.node.hidden = table.hidden = !known;
    note.textContent = bound?.refused
      ? t("train.bound.none", { why: remark(bound.refused) })
      : bound?.learned
        ? t("train.bound.help", { examples: bound.examples })
        : running
          ? t("train.bound.later")
          : "";
    if (!bound?.learned) return;
    const whose = /** @type {(keyof typeof PAINTS)[]} */ (Object.keys(PAINTS)),
      ts = bound.ideal.terms.map((_, i) => i + 1).slice(1);
    plot.draw({
      title: t("train.bound"),
      x: { label: t("lab.bound.t") },
      y: { log: true },
      series: whose.map((w) => ({
        name: t(`train.bound.${w}`),
        x: ts,
        y: bound[w].terms.slice(1),
        colour: PAINTS[w],
        dash: w === "ideal" ? "5 4" : undefined,
      })),
    });
    /** @type {(name: string | Node, values: number[], strong?: boolean) => HTMLElement} */
    const row = (name, values, strong) =>
      el("tr", { class: strong ? "strong" : "" }, el("th", {}, name), ...values.map((v) => el("td", {}, figure(v))));
    /** @type {(take: (one: LearnedBound["learned"]) => number) => number[]} */
    const each = (take) => whose.map((w) => take(bound[w])),
      sum = (/** @type {number[]} */ terms) => terms.reduce((a, b) => a + b, 0);
    table.replaceChildren(
      el("tr", {}, el("th", {}, t("lab.bits")), ...whose.map((w) => el("th", {}, t(`train.bound.${w}`)))),
      row(
        "L₀",
        each((b) => b.terms[0]),
      ),
      row(
        under("L₁ … L", "T−1"),
        each((b) => sum(b.terms.slice(1))),
      ),
      row(under("L", "T"), [bound.prior, bound.prior]),
      row(
        t("lab.total"),
        each((b) => b.total),
        true,
      ),
      row(t("lab.entropy"), [bound.entropy, bound.entropy]),
    );
  }
  /** @type {(name: string, index: string) => HTMLElement} */
  const under = (name, index) => el("span", {}, name, el("sub", {}, index));
  return { nodes: [plot.node, side], draw };
}
