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

const VIEWS = ["source", "x", "x0", "eps", "guided", "result"];
const ONE = ["source", "result"]; // the others have a picture for every step
const STEPS = VIEWS.filter((name) => !ONE.includes(name));
const KEPT = 6,
  PAUSE = 450,
  WIDE = 240; // pictures kept; milliseconds a step; pixels of a film's pictures
const FIRST = 2; // the step shown at first: guidance still moves much there

export function mountLabReverse(root) {
  const views = Object.fromEntries(VIEWS.map((name) => [name, view(name)]));
  const { play, range, pace } = createPlayer(
    { play: "reverse-play", range: "reverse-step" },
    { show: (place) => go(place), pause: () => PAUSE },
  );
  const where = el("output", { class: "figures", id: "reverse-where" }),
    told = el("p", { class: "help", id: "reverse-told" });
  const from = el("input", { type: "range", id: "reverse-t", min: 0, max: 999, "aria-label": "t" }),
    formula = el("p", { class: "formula" });
  const keep = el("button", { type: "button", id: "reverse-keep" }),
    kept = el("div", { class: "kept" }),
    space = el("p", { class: "help" });
  const plots = Object.fromEntries(
    ["guidance", "share", "sigma"].map((name) => [name, createPlot(`plot-reverse-${name}`)]),
  );
  const hint = el("p", { class: "help" });
  const stage = el(
    "div",
    { class: "bench-main" },
    el(
      "div",
      { class: "reverse-from" },
      formula,
      from,
      createPictureChooser((id) => bench.set({ image: id })),
    ),
    el("div", { class: "plane-line" }, play, range, where, createSheetFilms("reverse", film, pace)),
    told,
    el("div", { class: "views" }, ...VIEWS.map((name) => views[name].node)),
    space,
    el("div", { class: "buttons" }, keep),
    kept,
    el("div", { class: "plots three" }, ...Object.values(plots).map((plot) => plot.node)),
    hint,
  );
  let answer = null,
    asked = null,
    step = FIRST;

  const bench = createBench(root, {
    id: "bench-reverse",
    experiment: "reverse",
    stage,
    look: {
      read: () => ({ step: +range.value }),
      take: (look) => {
        step = whole(look.step, 0, Infinity, FIRST);
      },
    },
    controls: [
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
    ],
    show: async (next, values) => {
      answer = next;
      asked = values;
      range.max = answer.x.length - 1;
      from.max = values.num_train_timesteps - 1;
      from.value = answer.t;
      await Promise.all(ONE.map(async (name) => views[name].paint(await decode(answer[name][0]))));
      await go(Math.min(step, answer.x.length - 1));
      say();
    },
    shown: (values, parts) => {
      if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = drawnSchedule();
      parts.eta.node.hidden = values.sampler !== "ddim";
    },
    moved: (name, values) => {
      if (name === "guidance_scale") values.guidance_curve = [];
    },
  });

  function view(name) {
    const canvas = el("canvas", { id: `reverse-${name}`, role: "img" }),
      caption = el("figcaption");
    return {
      node: el("figure", { class: "view" }, canvas, caption),
      paint: (bitmap) => {
        onto(canvas, bitmap);
        bitmap.close();
      },
      say: () => {
        caption.textContent = t(`lab.view.${name}`);
        canvas.setAttribute("aria-label", caption.textContent);
      },
      canvas,
    };
  }
  const paint = newest(async ({ place }) => {
    if (!answer) return;
    step = place >= answer.x.length - 1 ? Infinity : place;
    range.value = place;
    const bitmaps = await Promise.all(STEPS.map((name) => decode(answer[name][place])));
    STEPS.forEach((name, i) => views[name].paint(bitmaps[i]));
    where.textContent = stepOf(answer, place);
    told.textContent = t("lab.told", {
      t: figure(answer.timesteps[place]),
      told: figure(answer.told[place]),
      scale: figure(answer.scales[place]),
    });
    draw(place);
  });
  const go = (place) => paint({ place });
  const stepOf = ({ x, sigmas }, i) => `${t("live.step", { step: i + 1, total: x.length })} · σ ${figure(sigmas[i])}`;
  async function* film() {
    const made = answer;
    for (let i = 0; i < (made?.x.length ?? 0); i++) {
      const tiles = await Promise.all(
        STEPS.map(async (name) => ({ name: t(`lab.view.${name}`), picture: await decode(made[name][i]) })),
      );
      yield drawSheet({ title: stepOf(made, i), tiles, wide: WIDE });
    }
  }
  from.addEventListener("input", () => bench.set({ t: +from.value }));

  function draw(at) {
    const high = bench.fields().guidance_scale.high,
      steps = answer.sigmas.slice(0, -1).map((_, i) => i + 1),
      x = { label: t("lab.step"), low: 1, high: Math.max(2, steps.length) };
    const line = (title, y, more = {}) => ({
      title,
      x,
      y: more.y ?? {},
      at: at + 1,
      series: [{ name: title, x: steps, y, colour: "--plot-1", kind: "dots" }],
    });
    plots.share.draw(line(t("lab.plot.share"), answer.guidance_share, { y: { low: 0 } }));
    plots.sigma.draw(line(t("lab.plot.sigma"), answer.sigmas.slice(0, -1), { y: { log: true } }));
    plots.guidance.draw({
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
          draw(at);
        },
      }),
    });
  }
  // Drawn by hand, or flat at the one scale; the slider takes a drawn one back.
  const flat = (/** @type {any} */ { guidance_scale: scale }) => [
    [0, scale],
    [1, scale],
  ];
  const curve = () => {
    const values = bench.values();
    return values.guidance_curve.length ? values.guidance_curve : flat(values);
  };

  keep.addEventListener("click", () => {
    if (!answer) return;
    const copy = el("canvas", { role: "img" });
    onto(copy, views.result.canvas);
    const words = [
      `t ${answer.t}`,
      t(`choice.beta_schedule.${asked.beta_schedule}`),
      t(`choice.sampler.${asked.sampler}`),
      t("lab.steps", { steps: answer.x.length }),
      asked.guidance_curve.length ? t("lab.plot.guidance") : `w ${figure(asked.guidance_scale)}`,
      asked.shift ? `t ${asked.shift > 0 ? "+" : "−"}${Math.abs(asked.shift)}` : "",
    ];
    copy.setAttribute("aria-label", words.join(" "));
    kept.prepend(el("figure", { class: "view" }, copy, el("figcaption", {}, words.filter(Boolean).join(" · "))));
    while (kept.children.length > KEPT) kept.lastChild.remove();
  });

  function say() {
    VIEWS.forEach((name) => views[name].say());
    keep.textContent = t("lab.keep");
    space.textContent = [t("lab.space.latents"), ...(answer?.notes ?? []).map(remark)].join(" ");
    hint.textContent = t("lab.guidance.drawn");
    formula.replaceChildren(t("lab.from"), ` t = ${answer?.t ?? ""}`);
  }
  on("language", say);
  on("sentences", say);
  say();
}
