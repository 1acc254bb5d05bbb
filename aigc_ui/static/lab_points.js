// Points in the plane: into noise and back by the exact denoiser, by a network that learned it, or by both side by side.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { post } from "./http.js";
import { createBench, whole } from "./lab.js";
import { createPlane, planeKey, planePicture } from "./lab_plane.js";
import { SCORES, following, sceneOf } from "./lab_points_scene.js";
import { createSketch } from "./lab_points_sketch.js";
import { createTraining } from "./lab_training.js";
import { createPlayer } from "./player.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").PointsRequest} Values
 * @typedef {import("./types.d.ts").PointsAnswer} Answer
 * @typedef {import("./types.d.ts").Plane} Plane
 * @typedef {import("./lab_points_scene.js").Scores} Scores
 * @typedef {"exact" | "learned"} Whose denoiser
 */

const MOVE = 120,
  NEAR = 0.25; // milliseconds a step; how near a point a click must be
const WIDE = [480, 400]; // of a film's planes, in pixels, where there is one and where there are two
/** @type {(Whose | "both")[]} */
const VIEWS = ["exact", "learned", "both"];
/** @type {import("./lab_points_scene.js").Way[]} */
const WAYS = ["forward", "back"];
const PAINTS = ["--plot-1", "--plot-2", "--plot-3", "--plot-4", "--plot-5"];

/** What is answered, and what of it is looked at; `view` is what is preferred, as far as there is anything learned. */
class State {
  /** @type {{ exact?: Answer, learned?: Answer | null }} */
  answers = {};
  /** @type {Values | null} */
  asked = null;
  /** @type {Whose | "both"} */
  preferred = "learned";
  /** @type {Whose | "both"} */
  view = "exact";
  way = WAYS[1];
  step = 0; // 0 is the data's end, the last one the noise
  arrows = false;
  orders = false; // whether the samplers' orders stand above all else
  /** @type {number | null} */
  followed = null;
  /** @type {Scores | null} */
  scores = null;

  get last() {
    return (this.answers.exact?.sigmas.length ?? 1) - 1;
  }
  /** The answers that are shown side by side. @returns {{ whose: Whose, answer: Answer }[]} */
  get visible() {
    const { exact, learned } = this.answers,
      both = this.view === "both";
    return [
      ...(exact && (both || this.view === "exact") ? [{ whose: /** @type {Whose} */ ("exact"), answer: exact }] : []),
      ...(learned && (both || this.view === "learned")
        ? [{ whose: /** @type {Whose} */ ("learned"), answer: learned }]
        : []),
    ];
  }
  /** Whether guidance pushes the followed point. */
  get guiding() {
    return this.asked != null && this.asked.label >= 0 && following(this.answers.exact, this.followed);
  }
  /** @param {Whose} whose @param {Answer} answer @param {number} at @param {Scores | null} scores */
  scene(whose, answer, at, scores) {
    return sceneOf(answer, { ...this, at }, whose === "exact" ? scores : null);
  }
}

/** @type {(keyof Values)[]} */
const CONTROLS = [
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
];

/** @param {HTMLElement} root */
export function mountLabPoints(root) {
  const state = new State(),
    learn = createTraining(),
    orders = createOrders();
  const screen = createScreen(state, (strokes) => bench.set({ data: "drawn", strokes, label: -1 }));
  const stage = el("div", { class: "bench-main" }, ...screen.nodes, learn.node, ...orders.nodes);

  const bench = createBench(root, {
    id: "bench-points",
    experiment: "points",
    stage,
    look: lookOf(state, screen, learn, () => {
      if (state.orders) stage.prepend(...orders.nodes);
      else stage.append(...orders.nodes);
    }),
    controls: CONTROLS,
    show: (/** @type {Answer} */ exact, /** @type {Values} */ asked) => {
      state.asked = asked;
      state.answers = { exact, learned: learn.of(asked) };
      screen.look();
    },
    shown: (values) => {
      if (values.data === "drawn" && values.strokes.length < 2) screen.sketch();
    },
    ready: (given) => learn.resume(bench.restored(given)),
  });
  learn.serve({
    values: () => bench.values(),
    begun: () => {
      if (state.preferred === "exact") state.preferred = "learned";
    },
    learned: () => {
      state.answers.learned = state.asked && learn.of(state.asked);
      screen.look();
    },
  });
  new ResizeObserver(orders.draw).observe(screen.paper);
  on("language", () => {
    screen.say();
    orders.draw();
  });
  screen.turn("back");
  screen.say();
}

/**
 * What is looked at, for a link or a file.
 * @param {State} state @param {ReturnType<typeof createScreen>} screen @param {ReturnType<typeof createTraining>} learn
 * @param {() => void} place puts the orders where they belong
 * @returns {import("./types.d.ts").Chosen<Values>}
 */
function lookOf(state, screen, learn, place) {
  return {
    read: () => {
      const { way, step, followed, arrows, orders, preferred } = state;
      return { way, step, followed, arrows, orders, whose: preferred, training: learn.settings() };
    },
    take: (look, values) => {
      state.step = whole(look.step, 0, values.num_inference_steps, 0);
      state.followed = whole(look.followed, 0, values.count - 1, null);
      state.preferred = VIEWS.includes(look.whose) ? look.whose : "learned";
      screen.face(look.way === "forward" ? "forward" : "back");
      screen.point(look.arrows === true);
      state.orders = look.orders === true;
      place();
      learn.take(look.training ?? {});
    },
  };
}

/**
 * All above the training: the line of the player, the planes, and what stands beside them.
 * @param {State} state @param {(strokes: import("./types.d.ts").Place[]) => void} drawn
 */
function createScreen(state, drawn) {
  const planes = ["plane", "plane-beside"].map((id) => createPlane(id)),
    sketch = createSketch(planes[0], { changed: paint, turned: sketched, drawn });
  const side = createSide(state, sketch, paint),
    scores = createScores(state, paint),
    line = createLine(state, { go, turn }),
    views = createViews(state, look);
  const row = createRow(planes, side.node);
  planes.forEach((plane, i) => {
    plane.canvas.addEventListener("click", (event) => follow(plane, i, event));
  });

  function look() {
    state.view = state.answers.learned ? state.preferred : "exact";
    views.show();
    row.node.classList.toggle("both", state.view === "both" && !sketch.strokes());
    line.reach(state.last);
    go(Math.min(state.step, state.last));
    say();
  }
  /** @param {number} next */
  function go(next) {
    if (!state.answers.exact) return;
    const edge = (next === 0) !== (state.step === 0);
    state.step = next;
    line.show(state.answers.exact);
    paint();
    scores.push();
    if (edge) side.explain();
  }
  /** @param {State["way"]} next */
  function turn(next) {
    line.face(next);
    if (state.answers.exact) go(next === "back" ? state.last : 0);
    side.explain();
  }
  function paint() {
    const strokes = sketch.strokes();
    if (strokes) return planes[0].draw({ reach: 1, marks: [{ kind: "dots", places: strokes, colour: "--accent" }] });
    state.visible.forEach(({ whose, answer }, i) => {
      planes[i].draw(state.scene(whose, answer, state.step, state.scores));
    });
  }
  /** A sketch was begun or left. */
  function sketched() {
    if (!sketch.strokes()) return look();
    row.node.classList.remove("both");
    paint();
    say();
  }
  /** @param {Plane} plane @param {number} i @param {MouseEvent} event */
  function follow(plane, i, event) {
    const answer = state.visible[i]?.answer;
    if (sketch.strokes() || !answer) return;
    const [x, y] = plane.place(event),
      gaps = answer[state.way][state.step].map(([a, b]) => Math.hypot(a - x, b - y));
    const nearest = gaps.indexOf(Math.min(...gaps));
    state.followed = gaps[nearest] < NEAR && nearest !== state.followed ? nearest : null;
    go(state.step);
    side.explain();
  }
  function say() {
    for (const part of [line, views, row, sketch, side]) part.say();
  }
  const begin = () => sketch.strokes() ?? sketch.begin();
  const nodes = [line.node, views.node, row.node];
  return { nodes, paper: planes[0].canvas, look, turn, say, face: line.face, point: side.point, sketch: begin };
}

/** The way, the player and the noise level. @param {State} state @param {{ go: (step: number) => void, turn: (way: State["way"]) => void }} acts */
function createLine(state, { go, turn }) {
  const { play, range, pace } = createPlayer(
    { play: "plane-play", range: "plane-step" },
    {
      show: (place) => go(state.way === "back" ? state.last - place : place),
      pause: (steps) => Math.max(30, Math.min(MOVE, 3000 / steps)),
    },
  );
  const where = el("output", { class: "figures", id: "plane-where" });
  const ways = WAYS.map((way) => el("button", { type: "button", "data-way": way, onclick: () => turn(way) }));
  const films = createSheetFilms("points", () => filmOf(state), pace);
  return {
    node: el("div", { class: "plane-line" }, el("div", { class: "either" }, ...ways), play, range, where, films),
    /** @param {State["way"]} next */
    face: (next) => {
      state.way = next;
      for (const way of ways) way.setAttribute("aria-pressed", String(way.dataset.way === next));
    },
    /** @param {number} last */
    reach: (last) => {
      range.max = String(last);
    },
    /** @param {Answer} answer */
    show: (answer) => {
      range.value = String(state.way === "back" ? state.last - state.step : state.step);
      where.textContent = level(answer, state.step);
    },
    say: () => {
      for (const way of ways) way.textContent = t(`lab.way.${way.dataset.way}`);
    },
  };
}
/** @param {Answer} answer @param {number} at */
const level = (answer, at) => `t ${figure(answer.timesteps[at])} · σ ${figure(answer.sigmas[at])}`;

/** Whose denoiser is shown, once something was learned. @param {State} state @param {() => void} chosen */
function createViews(state, chosen) {
  const views = VIEWS.map((which) =>
    el("button", {
      type: "button",
      "data-whose": which,
      onclick: () => {
        state.preferred = which;
        chosen();
      },
    }),
  );
  const node = el("div", { class: "either", id: "train-whose", hidden: true }, ...views);
  return {
    node,
    show: () => {
      node.hidden = !state.answers.learned;
      for (const view of views) view.setAttribute("aria-pressed", String(view.dataset.whose === state.view));
    },
    say: () => {
      for (const view of views) view.textContent = t(`train.whose.${view.dataset.whose}`);
    },
  };
}

/** Both planes with their names, and what stands beside them. @param {Plane[]} planes @param {HTMLElement} side */
function createRow(planes, side) {
  const names = planes.map(() => el("figcaption"));
  const figures = planes.map(({ canvas }, i) => el("figure", { class: "plane-figure" }, names[i], canvas));
  return {
    node: el("div", { class: "plane-row" }, ...figures, side),
    say: () => {
      names[0].textContent = t("train.whose.exact");
      names[1].textContent = t("train.whose.learned");
      for (const { canvas } of planes) canvas.setAttribute("aria-label", t("tab.points"));
    },
  };
}

/**
 * Arrows or none, how good the samples are, and what the marks of a followed point mean.
 * @param {State} state @param {ReturnType<typeof createSketch>} sketch @param {() => void} paint
 */
function createSide(state, sketch, paint) {
  const arrows = el("input", { type: "checkbox", id: "plane-arrows", onchange: () => point(arrows.checked) }),
    arrowsName = el("span");
  const table = el("table", { class: "plain", id: "plane-quality" }),
    reading = el("p", { class: "help" }),
    hint = el("p", { class: "help" }),
    legend = el("ul", { class: "plane-legend" });
  const flag = el("label", { class: "control flag" }, arrows, arrowsName);
  /** @param {boolean} whether the field is drawn */
  function point(whether) {
    arrows.checked = state.arrows = whether;
    paint();
  }
  function explain() {
    const one = state.followed != null && !sketch.strokes();
    hint.textContent = sketch.strokes() ? sketch.help() : t(one ? "lab.posterior.help" : "lab.follow.help");
    legend.replaceChildren(...(one ? keysOf(state) : []));
  }
  function say() {
    arrowsName.textContent = t("lab.arrows");
    reading.textContent = t("lab.quality.help");
    explain();
    if (state.answers.exact) table.replaceChildren(...qualityOf(state, state.answers.exact));
  }
  const node = el("div", { class: "plane-side" }, flag, table, reading, hint, legend, sketch.button);
  return { node, point, explain, say };
}

/** The rows of the table: of the samples, beside the data's own. @param {State} state @param {Answer} exact */
function qualityOf(state, exact) {
  const { visible } = state;
  const heads = visible.length > 1 ? visible.map(({ whose }) => t(`train.whose.${whose}`)) : [t("lab.samples")];
  /** @type {(title: string, name: "nll" | "distance" | "astray", written?: (value: number) => string) => HTMLElement} */
  const figures = (title, name, written = figure) => {
    const band = exact[`${name}_of_data`].map(written),
      values = [...visible.map(({ answer }) => written(answer[name])), [...new Set(band)].join(" … ")];
    return el("tr", {}, el("th", {}, title), ...values.map((v) => el("td", {}, v)));
  };
  return [
    el("tr", {}, el("th"), ...[...heads, t("lab.data")].map((head) => el("th", {}, head))),
    figures(t("lab.nll"), "nll"),
    figures(t("lab.distance"), "distance"),
    figures(t("lab.astray"), "astray", (share) => `${figure(100 * share)} %`),
  ];
}

/** What the marks of the followed point are. @param {State} state */
function keysOf({ step, way, guiding }) {
  const between = step > 0,
    pushed = between && guiding;
  const keys = [
    ["path", "--accent", "lab.key.path"],
    ...(between ? [["dashed", "--accent", "lab.key.q"]] : []),
    ...(between && way === "back" ? [["circle", "--plot-5", "lab.key.p"]] : []),
    ...(between && way === "back" ? [["cross", "--plot-5", "lab.key.x0"]] : []),
    ...(pushed ? SCORES.map(([name, paint]) => ["arrow", paint, `lab.key.${name}`]) : []),
  ];
  return [
    ...keys.map(([kind, paint, word]) => el("li", {}, planeKey(kind, paint), t(word))),
    ...(pushed ? [el("li", { class: "help" }, t("lab.guidance.help"))] : []),
  ];
}

/** What guidance adds at the followed point; asked for at each step that is looked at. @param {State} state @param {() => void} paint */
function createScores(state, paint) {
  const ask = newest(async (/** @type {{ at: number }} */ { at }) => {
    const { exact } = state.answers;
    const given = exact && at <= state.last ? await scoresAt(state, exact, at) : null;
    state.scores = state.guiding ? given : null;
    paint();
  });
  return {
    push: () => {
      if (!state.guiding) state.scores = null;
      else if (state.step > 0) ask({ at: state.step });
    },
  };
}
/** @param {State} state @param {Answer} answer @param {number} i @returns {Promise<Scores | null>} */
async function scoresAt({ asked, way, followed }, answer, i) {
  if (!asked || followed == null) return null;
  const at = answer[way][i][followed],
    { data, strokes, label, guidance_scale } = asked;
  const body = { data, strokes, label, guidance_scale, x: at[0], y: at[1], sigma: answer.sigmas[i] };
  const given = await post("lab/guidance", body).catch(() => null);
  return given && { at, ...given };
}

/** Every step in the order of playing, each as one picture. @param {State} state */
async function* filmOf(state) {
  const { visible, way } = state,
    exact = state.answers.exact,
    wide = WIDE[visible.length - 1];
  if (!exact) return;
  const steps = [...exact.sigmas.keys()];
  for (const at of way === "back" ? steps.reverse() : steps) {
    const scores = state.guiding && at > 0 ? await scoresAt(state, exact, at) : null;
    yield drawSheet({
      title: `${t(`lab.way.${way}`)} · ${level(exact, at)}`,
      wide,
      tiles: visible.map(({ whose, answer }) => ({
        name: t(`train.whose.${whose}`),
        picture: planePicture(state.scene(whose, answer, at, scores), wide),
      })),
    });
  }
}

/** How fast each sampler comes nearer with more steps; asked for once, when the bench is first seen. */
function createOrders() {
  const plot = createPlot("plot-orders"),
    note = el("p", { class: "help" });
  /** @type {import("./types.d.ts").OrdersAnswer | null} */
  let measured = null;
  async function draw() {
    measured ??= await post("lab/orders", {}).catch(() => null);
    if (!measured) return;
    const { steps, errors, orders } = measured;
    plot.draw({
      title: t("lab.orders"),
      x: { label: t("field.num_inference_steps"), log: true },
      y: { log: true },
      series: Object.entries(errors).map(([name, y], i) => ({
        name: `${t(`choice.sampler.${name}`)} (${orders[name]})`,
        x: steps,
        y,
        colour: PAINTS[i],
        kind: "dots",
        dash: name === "ddim" ? "8 8" : undefined, // on Euler's line, which must be seen below it
      })),
    });
    note.textContent = t("lab.orders.help");
  }
  return { nodes: [plot.node, note], draw };
}
