// Guidance drawn over the run: a pad with points, the same points as text, and a way back to the one scale.
import { el } from "./dom.js";
import { on } from "./events.js";
import { figure, read, rounded, written } from "./guidance_points.js";
import { curveHandles } from "./lab_curve.js";
import { createPlot } from "./plot.js";
import { t } from "./words.js";

/** @typedef {import("./guidance_points.js").Point} Point */

const REACH = 10; // how high the pad reaches at least

const scale = () =>
  Number(/** @type {HTMLInputElement | null} */ (document.querySelector("#guidance input[type=number]"))?.value) || 1;
/** Without points the one scale holds from the first step to the last. @param {Point[]} points @returns {Point[]} */
const orFlat = (points) =>
  points.length
    ? points
    : [
        [0, scale()],
        [1, scale()],
      ];

function createParts() {
  const plot = createPlot("guidance-plot");
  const help = el("p", { class: "help" }),
    name = el("span");
  const typed = el("input", {
    type: "text",
    id: "guidance-points",
    inputmode: "text",
    autocomplete: "off",
    spellcheck: "false",
  });
  const reset = el("button", { type: "button", id: "guidance-reset" });
  const label = el("label", { for: "guidance-points" }, name),
    row = el("div", { class: "row" }, typed, reset);
  const node = el("div", { id: "guidance-pad" }, plot.node, help, label, row);
  return { plot, help, name, typed, reset, node };
}

/** @param {() => Point[]} points @param {(next: Point[]) => void} keep */
function plotted(points, keep) {
  const list = orFlat(points()),
    drawn = points().length > 0,
    high = Math.max(REACH, ...list.map(([, y]) => y));
  const line = [[0, list[0][1]], ...list, [1, list[list.length - 1][1]]];
  return {
    title: t("curve.title"),
    x: { label: t("curve.position"), low: 0, high: 1 },
    y: { low: 0, high },
    series: [
      {
        name: t("field.guidance_curve"),
        x: line.map((p) => p[0]),
        y: line.map((p) => p[1]),
        colour: drawn ? "--plot-1" : "--muted",
        dash: drawn ? null : "5 4",
      },
    ],
    drag: curveHandles({ points: () => orFlat(points()), put: keep, wide: 1, low: 0, high }),
  };
}

/** @param {import("./component.js").Component<Point[]>} component */
export function drawGuidanceCurve({ element, props, watch }) {
  const { plot, help, name, typed, reset, node } = createParts();
  /** @param {Point[]} next */
  function keep(next) {
    props.value = rounded(next);
    draw();
  }
  function draw() {
    plot.draw(plotted(() => props.value, keep));
    help.textContent = t("curve.help");
    name.textContent = t("curve.points");
    reset.textContent = t("curve.reset");
    reset.disabled = !props.value.length;
    if (document.activeElement !== typed) typed.value = written(props.value);
    typed.placeholder = `0 ${figure(scale())}; 1 ${figure(scale())}`;
  }
  typed.addEventListener("change", () => {
    const list = read(typed.value);
    typed.setAttribute("aria-invalid", String(!list));
    if (list) keep(list);
  });
  reset.addEventListener("click", () => {
    typed.value = "";
    typed.removeAttribute("aria-invalid");
    keep([]);
  });
  element.replaceChildren(node);
  document.getElementById("guidance")?.addEventListener("input", draw);
  watch(draw);
  on("language", draw);
  draw();
}
