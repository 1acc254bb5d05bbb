// Guidance drawn over the run: a pad with points, the same points as text, and a way back to the one scale.
import { el, put } from "./dom.js";
import { emit, on } from "./events.js";
import { figure, read, written } from "./guidance_points.js";
import { curveHandles } from "./lab_curve.js";
import { createPlot } from "./plot.js";
import { t } from "./words.js";

const SHOWN = 10; // how high the pad reaches at least
let points = [];

const scale = () =>
  Number(/** @type {HTMLInputElement | null} */ (document.querySelector("#guidance input[type=number]"))?.value) || 1;

// The box that carries the curve to Python lies outside of the accordion, so it is there before the pad is.
on("guidance-curve", (text) => {
  points = read(text ?? "") ?? [];
  emit("curve-drawn");
});

export function mountGuidanceCurvePad(root) {
  const plot = createPlot("guidance-plot");
  const help = el("p", { class: "help" }),
    name = el("span");
  const box = el("input", {
    type: "text",
    id: "guidance-points",
    inputmode: "text",
    autocomplete: "off",
    spellcheck: "false",
  });
  const reset = el("button", { type: "button", id: "guidance-reset" });
  root.replaceChildren(
    el(
      "div",
      { id: "guidance-pad" },
      plot.node,
      help,
      el("label", { for: "guidance-points" }, name),
      el("div", { class: "row" }, box, reset),
    ),
  );

  const shown = () =>
    points.length
      ? points
      : [
          [0, scale()],
          [1, scale()],
        ];
  function keep(next) {
    points = next;
    put("guidance-curve", written(points));
    draw();
  }
  const handles = () => curveHandles({ points: shown, put: keep, wide: 1, low: 0, high: high() });
  const high = () => Math.max(SHOWN, ...shown().map(([, y]) => y));
  function draw() {
    const list = shown(),
      first = list[0],
      last = list.at(-1);
    const line = [[0, first[1]], ...list, [1, last[1]]];
    plot.draw({
      title: t("curve.title"),
      x: { label: t("curve.position"), low: 0, high: 1 },
      y: { low: 0, high: high() },
      series: [
        {
          name: t("field.guidance_curve"),
          x: line.map((p) => p[0]),
          y: line.map((p) => p[1]),
          colour: points.length ? "--plot-1" : "--muted",
          dash: points.length ? null : "5 4",
        },
      ],
      drag: handles(),
    });
    help.textContent = t("curve.help");
    name.textContent = t("curve.points");
    reset.textContent = t("curve.reset");
    reset.disabled = !points.length;
    if (document.activeElement !== box) box.value = written(points);
    box.placeholder = `0 ${figure(scale())}; 1 ${figure(scale())}`;
  }
  box.addEventListener("change", () => {
    const list = read(box.value);
    box.setAttribute("aria-invalid", String(!list));
    if (list) keep(list);
  });
  reset.addEventListener("click", () => {
    box.value = "";
    box.removeAttribute("aria-invalid");
    keep([]);
  });
  document.getElementById("guidance")?.addEventListener("input", draw);
  on("curve-drawn", draw);
  on("language", draw);
  draw();
}

// A text file with one prompt a line goes into the box above it, to be read and changed before it is sent.
export function mountLinesFile(root) {
  const file = el("input", { type: "file", accept: ".txt,text/plain", id: "lines-choose" });
  const name = el("span"),
    label = el("label", { class: "button" }, name, file);
  root.replaceChildren(el("div", { id: "lines-panel" }, label));
  file.addEventListener("change", async () => {
    const chosen = file.files[0];
    file.value = "";
    if (chosen) put("prompt-lines", await chosen.slice(0, 80_000).text());
  });
  const render = () => {
    name.textContent = t("lines.file");
  };
  on("language", render);
  render();
}
