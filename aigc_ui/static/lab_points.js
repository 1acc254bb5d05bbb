// Points in the plane: into noise and back by the exact denoiser, by a network that learned it, or by both side by side.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { post } from "./http.js";
import { createBench, whole } from "./lab.js";
import { createPlane, planeKey, planePicture } from "./lab_plane.js";
import { createTraining } from "./lab_training.js";
import { createPlayer } from "./player.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

const MOVE = 120,
  NEAR = 0.25; // milliseconds a step; how near a point a click must be
const WIDE = { 1: 480, 2: 400 }; // of a film's planes, in pixels, by their number
const CLASSES = 8; // colours; classes beyond them begin again
const MOST_STROKES = 1500;
const SCORES = { unconditional: "--plot-4", conditional: "--plot-2", guided: "--plot-3" };
const LONGEST = 0.8,
  LENGTH = 0.35; // of an arrow, in reaches; and of a score of 1 where it fits
const VIEWS = ["exact", "learned", "both"];

export function mountLabPoints(root) {
  const planes = ["plane", "plane-beside"].map((id) => createPlane(id)),
    names = planes.map(() => el("figcaption"));
  const { play, range, pace } = createPlayer(
    { play: "plane-play", range: "plane-step" },
    {
      show: (place) => go(way === "back" ? last() - place : place),
      pause: (steps) => Math.max(30, Math.min(MOVE, 3000 / steps)),
    },
  );
  const where = el("output", { class: "figures", id: "plane-where" });
  const ways = ["forward", "back"].map((way) =>
    el("button", { type: "button", "data-way": way, onclick: () => turn(way) }),
  );
  const views = VIEWS.map((which) =>
    el("button", {
      type: "button",
      "data-whose": which,
      onclick: () => {
        preferred = which;
        look();
      },
    }),
  );
  const choice = el("div", { class: "either", id: "train-whose", hidden: true }, ...views);
  const arrows = el("input", { type: "checkbox", id: "plane-arrows", onchange: paint }),
    arrowsName = el("span");
  const table = el("table", { class: "plain", id: "plane-quality" }),
    hint = el("p", { class: "help" });
  const legend = el("ul", { class: "plane-legend" }),
    sketching = el("button", { type: "button", id: "plane-draw" });
  const orders = createPlot("plot-orders"),
    orderNote = el("p", { class: "help" });
  const learn = createTraining();
  const row = el(
    "div",
    { class: "plane-row" },
    ...planes.map(({ canvas }, i) => el("figure", { class: "plane-figure" }, names[i], canvas)),
    el(
      "div",
      { class: "plane-side" },
      el("label", { class: "control flag" }, arrows, arrowsName),
      table,
      hint,
      legend,
      sketching,
    ),
  );
  const stage = el(
    "div",
    { class: "bench-main" },
    el(
      "div",
      { class: "plane-line" },
      el("div", { class: "either" }, ...ways),
      play,
      range,
      where,
      createSheetFilms("points", film, pace),
    ),
    choice,
    row,
    learn.node,
    orders.node,
    orderNote,
  );
  /** @type {{ exact?: any, learned?: any }} */
  let answers = {};
  let asked = null,
    preferred = "learned",
    view = "exact",
    way = "back",
    step = 0,
    followed = null,
    scores = null;
  let strokes = null,
    tooShort = false;

  const bench = createBench(root, {
    id: "bench-points",
    experiment: "points",
    stage,
    look: {
      read: () => ({ way, step, followed, arrows: arrows.checked, whose: preferred, training: learn.settings() }),
      take: (look, values) => {
        face(look.way === "forward" ? "forward" : "back");
        step = whole(look.step, 0, values.num_inference_steps, 0);
        followed = whole(look.followed, 0, values.count - 1, null);
        arrows.checked = look.arrows === true;
        preferred = VIEWS.includes(look.whose) ? look.whose : "learned";
        learn.take(look.training ?? {});
      },
    },
    controls: [
      "data",
      "beta_schedule",
      "num_train_timesteps",
      "zero_snr",
      "sampler",
      "num_inference_steps",
      "sigma_schedule",
      "eta",
      "label",
      "guidance_scale",
      "count",
      "seed",
    ],
    show: (next, values) => {
      asked = values;
      answers = { exact: next, learned: learn.of(values) };
      look();
    },
    shown: (values) => {
      if (values.data === "drawn" && values.strokes.length < 2 && !strokes) begin();
    },
  });
  learn.on({
    values: () => bench.values(),
    begun: () => {
      if (preferred === "exact") preferred = "learned";
    },
    learned: () => {
      answers.learned = asked && learn.of(asked);
      look();
    },
  });

  // --- what is shown: the exact denoiser's answer, the network's, or both at the same step ---
  const shown = () => (view === "both" ? ["exact", "learned"] : [view]);
  const last = () => (answers.exact?.sigmas.length ?? 1) - 1;
  function look() {
    view = answers.learned ? preferred : "exact";
    choice.hidden = !answers.learned;
    views.forEach((b) => b.setAttribute("aria-pressed", b.dataset.whose === view));
    row.classList.toggle("both", view === "both" && !strokes);
    range.max = last();
    go(Math.min(step, last()));
    say();
  }
  // Step 0 is the data's end, the last one the noise.
  function go(next) {
    if (!answers.exact) return;
    const edge = (next === 0) !== (step === 0);
    step = next;
    range.value = way === "back" ? last() - step : step;
    where.textContent = level(answers.exact, step);
    paint();
    push();
    if (edge) explain();
  }
  function face(next) {
    way = next;
    ways.forEach((b) => b.setAttribute("aria-pressed", b.dataset.way === way));
  }
  function turn(next) {
    face(next);
    if (answers.exact) go(way === "back" ? last() : 0);
    explain();
  }

  function paint() {
    if (strokes) return planes[0].draw({ reach: 1, marks: [{ kind: "dots", places: strokes, colour: "--accent" }] });
    if (answers.exact)
      shown().forEach((which, i) => planes[i].draw(scene(answers[which], step, which === "exact" && scores)));
  }
  const level = (answer, at) => `σ ${figure(answer.sigmas[at])}`;
  // Every step in the order of playing, each as one picture.
  async function* film() {
    const all = shown(),
      kept = { ...answers },
      steps = [...(kept.exact?.sigmas ?? []).keys()],
      wide = WIDE[all.length];
    for (const at of way === "back" ? steps.reverse() : steps) {
      const pushed = guiding() && at > 0 ? await scoresAt(kept.exact, at) : null;
      yield drawSheet({
        title: `${t(`lab.way.${way}`)} · ${level(kept.exact, at)}`,
        wide,
        tiles: all.map((which) => ({
          name: t(`train.whose.${which}`),
          picture: planePicture(scene(kept[which], at, which === "exact" && pushed), wide),
        })),
      });
    }
  }
  // `pushed` are the scores at the followed point, where they are to be seen.
  function scene(answer, at, pushed) {
    const paths = answer[way],
      many = answer.classes.length > 1 && way === "back";
    return {
      reach: answer.reach,
      field: arrows.checked && at > 0 ? { side: answer.arrows, vectors: answer.field[at - 1] } : null,
      dots: {
        places: paths[at],
        faint: followed != null,
        colour: (i) => (many ? "--ink" : `--class-${(answer.labels[i] % CLASSES) + 1}`),
      },
      marks: following(answer)
        ? [...trail(answer, paths, at), ...(pushed && at > 0 ? pushes(answer.reach, pushed) : [])]
        : [],
    };
  }

  // --- one point: its path, the step before as it was and as the model sees it, and what guidance adds ---
  const following = (answer) => followed != null && followed < answer.labels.length;
  function trail(answer, paths, at) {
    const path = paths.map((state) => state[followed]),
      marks = [{ kind: "path", places: path, at, colour: "--accent" }];
    if (at === 0) return marks;
    const { x0, x, deviation } = answer.steps_back[at - 1];
    const circle = (end, style) => ({
      kind: "circle",
      at: end.map((v, k) => x0 * v + x * path[at][k]),
      radius: deviation,
      ...style,
    });
    marks.push(circle(path[0], { colour: "--accent", dash: true }));
    if (way === "forward") return marks;
    const guess = answer.x0_pred[at - 1][followed];
    return [...marks, circle(guess, { colour: "--plot-5" }), { kind: "cross", at: guess, colour: "--plot-5" }];
  }
  // Three arrows at one scale, and the line on which their ends lie.
  function pushes(reach, pushed) {
    const { at } = pushed,
      vectors = Object.keys(SCORES).map((name) => pushed[name]);
    const scale = Math.min(LENGTH, LONGEST / Math.max(...vectors.map((v) => Math.hypot(...v)))) * reach;
    const by = (name) => pushed[name].map((v) => v * scale),
      end = (name) => by(name).map((v, k) => at[k] + v);
    return [
      {
        kind: "line",
        places: [end("unconditional"), end("conditional"), end("guided")],
        colour: "--muted",
        dash: true,
      },
      ...Object.entries(SCORES)
        .reverse()
        .map(([name, colour]) => ({ kind: "arrow", at, by: by(name), colour })),
    ];
  }
  const guiding = () => followed != null && asked?.label >= 0 && following(answers.exact);
  async function scoresAt(answer, i) {
    const { data, strokes: drawn, label, guidance_scale } = asked,
      at = answer[way][i][followed];
    const body = { data, strokes: drawn, label, guidance_scale, x: at[0], y: at[1], sigma: answer.sigmas[i] };
    const made = await post("lab/guidance", body).catch(() => null);
    return made && { at, ...made };
  }
  const askScores = newest(async ({ at }) => {
    const made = at <= last() ? await scoresAt(answers.exact, at) : null;
    scores = guiding() ? made : null;
    paint();
  });
  function push() {
    if (!guiding()) scores = null;
    else if (step > 0) askScores({ at: step });
  }
  function follow(i, event) {
    const answer = answers[shown()[i]];
    if (strokes || !answer) return;
    const [x, y] = planes[i].place(event),
      gaps = answer[way][step].map(([a, b]) => Math.hypot(a - x, b - y));
    const nearest = gaps.indexOf(Math.min(...gaps));
    followed = gaps[nearest] < NEAR && nearest !== followed ? nearest : null;
    go(step);
    explain();
  }
  planes.forEach(({ canvas }, i) => canvas.addEventListener("click", (event) => follow(i, event)));

  // --- a distribution of one's own, in coordinates of the square: only its shape counts ---
  const paper = planes[0].canvas;
  function begin() {
    strokes = [];
    tooShort = false;
    row.classList.remove("both");
    paint();
    say();
  }
  function leave() {
    strokes = null;
    look();
  }
  paper.addEventListener("pointermove", (event) => {
    if (!strokes || !event.buttons || strokes.length >= MOST_STROKES) return;
    strokes.push(planes[0].place(event));
    paint();
  });
  paper.addEventListener("pointerup", () => {
    if (!strokes) return;
    tooShort = new Set(strokes.map(String)).size < 2;
    if (tooShort) {
      strokes = [];
      paint();
      return say();
    }
    const drawn = strokes;
    leave();
    bench.set({ data: "drawn", strokes: drawn, label: -1 });
  });
  sketching.addEventListener("click", () => (strokes ? leave() : begin()));

  // --- words and figures ---
  function quality() {
    const whose = shown(),
      cells = (name) => [...whose.map((w) => answers[w][name]), answers.exact[`${name}_of_data`]];
    const heads = view === "both" ? whose.map((w) => t(`train.whose.${w}`)) : [t("lab.samples")];
    const figures = (title, name) =>
      el("tr", {}, el("th", {}, title), ...cells(name).map((v) => el("td", {}, figure(v))));
    table.replaceChildren(
      el("tr", {}, el("th"), ...[...heads, t("lab.data")].map((head) => el("th", {}, head))),
      figures(t("lab.nll"), "nll"),
      figures(t("lab.distance"), "distance"),
    );
  }
  // What the marks of a followed point are.
  function explain() {
    const one = followed != null && !strokes,
      between = one && step > 0;
    hint.textContent = strokes
      ? t(tooShort ? "lab.sketch.short" : "lab.sketch.help")
      : t(one ? "lab.posterior.help" : "lab.follow.help");
    const keys = [
      one && ["path", "--accent", "lab.key.path"],
      between && ["dashed", "--accent", "lab.key.q"],
      ...(between && way === "back"
        ? [
            ["circle", "--plot-5", "lab.key.p"],
            ["cross", "--plot-5", "lab.key.x0"],
          ]
        : []),
      ...(between && guiding()
        ? Object.entries(SCORES).map(([name, paint]) => ["arrow", paint, `lab.key.${name}`])
        : []),
    ];
    legend.replaceChildren(
      ...keys.filter(Boolean).map(([kind, paint, word]) => el("li", {}, planeKey(kind, paint), t(word))),
      ...(between && guiding() ? [el("li", { class: "help" }, t("lab.guidance.help"))] : []),
    );
  }
  function say() {
    ways.forEach((b) => {
      b.textContent = t(`lab.way.${b.dataset.way}`);
    });
    views.forEach((b) => {
      b.textContent = t(`train.whose.${b.dataset.whose}`);
    });
    names.forEach((name, i) => {
      name.textContent = t(`train.whose.${["exact", "learned"][i]}`);
    });
    planes.forEach(({ canvas }) => canvas.setAttribute("aria-label", t("tab.points")));
    arrowsName.textContent = t("lab.arrows");
    sketching.textContent = t(strokes ? "lab.sketch.leave" : "lab.sketch");
    explain();
    if (answers.exact) quality();
  }
  const PAINTS = ["--plot-1", "--plot-2", "--plot-3", "--plot-4", "--plot-5"];
  let measured = null;
  async function order() {
    measured ??= await post("lab/orders", {}).catch(() => null);
    if (!measured) return;
    orders.draw({
      title: t("lab.orders"),
      x: { label: t("field.num_inference_steps"), log: true },
      y: { log: true },
      series: Object.entries(measured.errors).map(([name, y], i) => ({
        name: `${t(`choice.sampler.${name}`)} (${measured.orders[name]})`,
        x: measured.steps,
        y,
        colour: PAINTS[i],
        kind: "dots",
      })),
    });
    orderNote.textContent = t("lab.orders.help");
  }
  new ResizeObserver(order).observe(paper);
  on("language", () => {
    say();
    order();
  });
  turn("back");
  say();
}
