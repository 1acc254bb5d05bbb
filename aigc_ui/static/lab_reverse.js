// A noised picture on its way back through the embedded model: state, guess, predicted noise and guidance side by side.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { createBench, whole } from "./lab.js";
import { curveHandles } from "./lab_curve.js";
import { createPictureChooser } from "./lab_picture.js";
import { drawnSchedule } from "./lab_schedule.js";
import { createPlayer } from "./player.js";
import { createPlot } from "./plot.js";
import { figure } from "./plot_axes.js";
import { remark } from "./sentences.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").ReverseRequest} Values
 * @typedef {import("./types.d.ts").ReverseAnswer} Answer
 * @typedef {import("./types.d.ts").BenchHandle<Values>} Handle
 * @typedef {import("./types.d.ts").Place} Place
 */

/** Of these there is a picture for every step, of the first and last view only one. @type {("x" | "x0" | "eps" | "guided")[]} */
const STEPS = ["x", "x0", "eps", "guided"];
const KEPT = 6,
  PAUSE = 450,
  WIDE = 240; // pictures kept; milliseconds a step; pixels of a film's pictures
const FIRST = 2; // the step shown at first: guidance still moves much there

/** @type {(keyof Values)[]} */
const CONTROLS = [
  "prompt",
  "beta_schedule",
  "num_train_timesteps",
  "zero_snr",
  "sampler",
  "num_inference_steps",
  "sigma_schedule",
  "eta",
  "guidance_scale",
  "shift",
  "seed",
];

/** @param {HTMLElement} root */
export function mountLabReverse(root) {
  const views = createViews();
  const player = createPlayer(
    { play: "reverse-play", range: "reverse-step" },
    { show: (place) => paint({ place }), pause: () => PAUSE },
  );
  const { play, range } = player;
  const from = createFrom((next) => bench.set(next));
  const caption = createCaption();
  const plots = createPlots();
  const kept = createKept(() => seen && { ...seen, canvas: views.result });
  const films = createSheetFilms("reverse", () => filmOf(seen?.answer), player.pace);
  const stage = el(
    "div",
    { class: "bench-main" },
    from.node,
    el("div", { class: "plane-line" }, play, range, caption.where, films),
    caption.note,
    views.node,
    caption.space,
    ...kept.nodes,
    ...plots.nodes,
  );
  /** @type {{ answer: Answer, asked: Values } | null} */
  let seen = null;
  /** @type {number} the step that is looked at, Infinity for the last of any number */
  let step = FIRST;

  const bench = createBench(root, {
    id: "bench-reverse",
    experiment: "reverse",
    stage,
    look: { read: () => ({ step: +range.value }), take },
    controls: CONTROLS,
    show: async (/** @type {Answer} */ answer, /** @type {Values} */ asked) => {
      seen = { answer, asked };
      range.max = String(answer.x.length - 1);
      from.show(answer.t, asked.num_train_timesteps);
      await views.paintEnds(answer);
      await paint({ place: Math.min(step, answer.x.length - 1) });
      say();
    },
    shown: fit,
    moved,
  });
  const paint = newest(async (/** @type {{ place: number }} */ { place }) => {
    if (!seen) return;
    const { answer } = seen;
    step = place >= answer.x.length - 1 ? Infinity : place;
    range.value = String(place);
    await views.paintStep(answer, place);
    caption.show(answer, place);
    plots.draw(bench, answer, place);
  });

  /** @param {{ step?: unknown }} look */
  function take(look) {
    step = whole(look.step, 0, Infinity, FIRST);
  }
  function say() {
    views.say();
    kept.say();
    caption.say(seen?.answer);
    plots.say();
    from.say(seen?.answer.t);
  }
  on("language", say);
  on("sentences", say);
  say();
}

/** The one scale takes the place of the curve. @param {string} name @param {Values} values */
function moved(name, values) {
  if (name === "guidance_scale") values.guidance_curve = [];
}

/** @param {Values} values @param {import("./types.d.ts").Parts} parts */
function fit(values, parts) {
  if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = drawnSchedule();
  parts.eta.node.hidden = values.sampler !== "ddim";
}

/** Which picture is noised, and until which step. @param {(next: Partial<Values>) => void} set */
function createFrom(set) {
  const formula = el("p", { class: "formula" }),
    range = el("input", { type: "range", id: "reverse-t", min: 1, max: 1000, "aria-label": "t" });
  range.addEventListener("input", () => set({ t: +range.value }));
  const chooser = createPictureChooser((id) => set({ image: id }));
  return {
    node: el("div", { class: "reverse-from" }, formula, range, chooser),
    /** @param {number} at @param {number} last */
    show: (at, last) => {
      range.max = String(last);
      range.value = String(at);
    },
    /** @param {number | undefined} at */
    say: (at) => formula.replaceChildren(t("lab.from"), ` t = ${at ?? ""}`),
  };
}

/** Which step it is, what the network was told of it, and in what space all this happens. */
function createCaption() {
  const where = el("output", { class: "figures", id: "reverse-where" }),
    note = el("p", { class: "help", id: "reverse-told" }),
    space = el("p", { class: "help" });
  return {
    where,
    note,
    space,
    /** @param {Answer} answer @param {number} place */
    show: (answer, place) => {
      where.textContent = stepOf(answer, place);
      note.textContent = t("lab.told", {
        t: figure(answer.timesteps[place]),
        told: figure(answer.told[place]),
        scale: figure(answer.scales[place]),
      });
    },
    /** @param {Answer | undefined} answer */
    say: (answer) => {
      space.textContent = [t("lab.space.latents"), ...(answer?.notes ?? []).map(remark)].join(" ");
    },
  };
}

/** The six pictures side by side. */
function createViews() {
  const source = view("source"),
    steps = STEPS.map(view),
    result = view("result"),
    all = [source, ...steps, result];
  return {
    node: el("div", { class: "views" }, ...all.map((one) => one.node)),
    result: result.canvas,
    /** @param {Answer} answer */
    paintEnds: async (answer) => {
      await Promise.all([source.paint(answer.source[0]), result.paint(answer.result[0])]);
    },
    /** All at once, when all are decoded. @param {Answer} answer @param {number} place */
    paintStep: async (answer, place) => {
      const bitmaps = await Promise.all(STEPS.map((name) => decode(answer[name][place])));
      steps.forEach((one, i) => {
        one.put(bitmaps[i]);
      });
    },
    say: () => {
      for (const one of all) one.say();
    },
  };
}
/** @param {string} name */
function view(name) {
  const canvas = el("canvas", { id: `reverse-${name}`, role: "img" }),
    caption = el("figcaption");
  /** @param {ImageBitmap} bitmap */
  function put(bitmap) {
    onto(canvas, bitmap);
    bitmap.close();
  }
  return {
    node: el("figure", { class: "view" }, canvas, caption),
    canvas,
    put,
    /** @param {string} picture */
    paint: async (picture) => put(await decode(picture)),
    say: () => {
      caption.textContent = t(`lab.view.${name}`);
      canvas.setAttribute("aria-label", caption.textContent);
    },
  };
}

/** @param {Answer} answer @param {number} i */
const stepOf = ({ x, sigmas }, i) => `${t("live.step", { step: i + 1, total: x.length })} · σ ${figure(sigmas[i])}`;

/** @param {Answer | undefined} answer */
async function* filmOf(answer) {
  if (!answer) return;
  for (let i = 0; i < answer.x.length; i++) {
    const tiles = await Promise.all(
      STEPS.map(async (name) => ({ name: t(`lab.view.${name}`), picture: await decode(answer[name][i]) })),
    );
    yield drawSheet({ title: stepOf(answer, i), tiles, wide: WIDE });
  }
}

/** Guidance over the run, which can be drawn; its share of each step; and the noise levels. */
function createPlots() {
  const [guidance, share, sigma] = ["guidance", "share", "sigma"].map((name) => createPlot(`plot-reverse-${name}`));
  const hint = el("p", { class: "help" });
  const node = el("div", { class: "plots three" }, guidance.node, share.node, sigma.node);
  /** @param {Handle} bench @param {Answer} answer @param {number} at the step that is looked at */
  function draw(bench, answer, at) {
    const levels = answer.sigmas.slice(0, -1),
      steps = levels.map((_, i) => i + 1),
      x = { label: t("lab.step"), low: 1, high: Math.max(2, steps.length) };
    /** @type {(title: string, y: number[], axis: import("./types.d.ts").Axis) => import("./types.d.ts").PlotSpec} */
    const line = (title, y, axis) => ({
      title,
      x,
      y: axis,
      at: at + 1,
      series: [{ name: title, x: steps, y, colour: "--plot-1", kind: "dots" }],
    });
    share.draw(line(t("lab.plot.share"), answer.guidance_share, { low: 0 }));
    sigma.draw(line(t("lab.plot.sigma"), levels, { log: true }));
    guidance.draw(guidancePlot(bench, () => draw(bench, answer, at)));
  }
  const say = () => {
    hint.textContent = t("lab.guidance.drawn");
  };
  return { nodes: [node, hint], draw, say };
}

/** @param {Handle} bench @param {() => void} again after a point has moved @returns {import("./types.d.ts").PlotSpec} */
function guidancePlot(bench, again) {
  const high = bench.fields().guidance_scale.high,
    curve = () => curveOf(bench.values());
  return {
    title: t("lab.plot.guidance"),
    x: { label: t("lab.run"), low: 0, high: 1 },
    y: { low: 0, high },
    series: [
      { name: t("lab.plot.guidance"), x: curve().map(([a]) => a), y: curve().map(([, b]) => b), colour: "--plot-1" },
    ],
    drag: curveHandles({
      points: curve,
      wide: 1,
      low: 0,
      high,
      put: (next) => {
        bench.set({ guidance_curve: next });
        again();
      },
    }),
  };
}
/** Drawn by hand, or flat at the one scale; the slider takes a drawn one back. @param {Values} values @returns {Place[]} */
const curveOf = ({ guidance_curve: drawn, guidance_scale: scale }) =>
  drawn.length
    ? drawn
    : [
        [0, scale],
        [1, scale],
      ];

/**
 * Results that stay below for comparison, and the button that keeps one.
 * @param {() => { answer: Answer, asked: Values, canvas: HTMLCanvasElement } | null} present
 */
function createKept(present) {
  const keep = el("button", { type: "button", id: "reverse-keep" }),
    row = el("div", { class: "kept" });
  keep.addEventListener("click", () => {
    const seen = present();
    if (!seen) return;
    const copy = el("canvas", { role: "img" }),
      words = settingsOf(seen.answer, seen.asked);
    onto(copy, seen.canvas);
    copy.setAttribute("aria-label", words.join(" "));
    row.prepend(el("figure", { class: "view" }, copy, el("figcaption", {}, words.filter(Boolean).join(" · "))));
    while (row.children.length > KEPT) row.lastChild?.remove();
  });
  const say = () => {
    keep.textContent = t("lab.keep");
  };
  return { nodes: [el("div", { class: "buttons" }, keep), row], say };
}
/** What a result was made with. @param {Answer} answer @param {Values} asked */
const settingsOf = (answer, asked) => [
  `t ${answer.t}`,
  t(`choice.beta_schedule.${asked.beta_schedule}`),
  t(`choice.sampler.${asked.sampler}`),
  t("lab.steps", { steps: answer.x.length }),
  asked.guidance_curve.length ? t("lab.plot.guidance") : `w ${figure(asked.guidance_scale)}`,
  asked.shift ? `t ${asked.shift > 0 ? "+" : "−"}${Math.abs(asked.shift)}` : "",
];
