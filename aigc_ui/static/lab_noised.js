// A picture under the noise of a schedule, at one step and at eight: in its pixels or in the embedded model's latents.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { post } from "./http.js";
import { whole } from "./lab.js";
import { createPictureChooser } from "./lab_picture.js";
import { createNoisedPixels } from "./noised_pixels.js";
import { figure } from "./plot_axes.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").ScheduleRequest} Schedule
 * @typedef {import("./types.d.ts").NoisedAnswer} Answer
 * @typedef {{ image: string, space: string, through: string }} Values what is chosen here besides the schedule
 */

const SPACES = ["pixels", "latents"],
  THROUGH = ["decoder", "preview"];
const PICTURE = /^[0-9a-f]{64}$/; // a kept one's id
const FILMED = 25,
  PACE = 120,
  WIDE = 384; // a film's even steps, milliseconds of each, pixels of its picture

/**
 * `schedule()` gives the present schedule's values; `moved()` is called when another step is looked at.
 * @param {{ schedule: () => Schedule | undefined, moved: () => void }} bench
 */
export function createNoisedPicture({ schedule, moved }) {
  /** @type {Values} */
  const values = { image: "", space: SPACES[0], through: THROUGH[0] };
  const space = either("space", SPACES, values, show),
    through = either("through", THROUGH, values, show);
  const view = createView(go);
  const range = el("input", { type: "range", id: "schedule-t", min: 0, max: 1000, value: 500, "aria-label": "t" });
  const chooser = createPictureChooser((id) => {
    values.image = id;
    return show();
  });
  const films = createSheetFilms(
    "noising",
    () => filmOf(schedule(), values),
    () => PACE,
  );
  const node = el(
    "div",
    { class: "noised" },
    el("div", {}, view.big, chooser),
    el(
      "div",
      {},
      view.formula,
      el("div", { class: "plane-line" }, range, films),
      view.strip,
      el("div", { class: "spaces" }, space.node, through.node),
      view.note,
      view.message,
    ),
  );
  let chosen = 0.5;
  const last = () => schedule()?.num_train_timesteps ?? 1000;
  const step = () => Math.round(chosen * last());

  function show() {
    say();
    const present = schedule();
    if (!present) return null; // it is still to come, and shows the picture then
    range.max = String(last());
    range.value = String(step());
    return view.ask({ ...present, ...values, t: step() });
  }
  /** @param {number} share of the steps */
  function go(share) {
    chosen = share;
    moved();
    show();
  }
  range.addEventListener("input", () => {
    if (schedule()) go(+range.value / last());
  });
  /** For a link or a file. @type {import("./types.d.ts").Chosen<Schedule>} */
  const look = {
    read: () => ({ t: step(), ...values }),
    take: (given, { num_train_timesteps: T }) => {
      chosen = whole(given.t, 0, T, T / 2) / T;
      Object.assign(values, valuesOf(given));
    },
  };

  function say() {
    space.say();
    through.say();
    through.node.hidden = values.space === "pixels";
    view.say();
  }
  on("language", say);
  say();
  return { node, show, step, look };
}

/** Out of a stranger's file. @param {import("./types.d.ts").Stranger} given @returns {Values} */
const valuesOf = ({ image, space, through }) => ({
  image: typeof image === "string" && PICTURE.test(image) ? image : "",
  space: SPACES.includes(space) ? space : SPACES[0],
  through: THROUGH.includes(through) ? through : THROUGH[0],
});

/**
 * Buttons of which one is pressed.
 * @param {"space" | "through"} name @param {string[]} options @param {Values} values @param {() => void} changed
 */
function either(name, options, values, changed) {
  const buttons = options.map((option) =>
    el("button", {
      type: "button",
      "data-option": option,
      onclick: () => {
        values[name] = option;
        changed();
      },
    }),
  );
  const group = el("div", { class: "either", role: "group", "data-choice": name }, ...buttons);
  return {
    node: group,
    say: () => {
      group.setAttribute("aria-label", t(`field.${name}`));
      for (const button of buttons) {
        button.textContent = t(`choice.${name}.${button.dataset.option}`);
        button.setAttribute("aria-pressed", String(button.dataset.option === values[name]));
      }
    },
  };
}

/** The picture, its formula and its strip as they were answered. @param {(share: number) => void} go to a step of the strip */
function createView(go) {
  const big = el("canvas", { id: "noised", role: "img" }),
    strip = el("div", { class: "noise-strip" });
  const formula = el("p", { class: "formula", id: "forward-formula" });
  const note = el("p", { class: "help", id: "noised-space" }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const inPixels = createNoisedPixels();
  let shape = "",
    stripOf = "";
  /** At t and at the steps of the strip: made here, or as they come. @param {Answer} answer @param {string} image */
  const picturesOf = ({ shown, strip: sent = [], signal, noise, signals = [], noises = [] }, image) =>
    Promise.all(
      shown
        ? [...shown, ...sent].map(decode)
        : [signal, ...signals].map((share, i) => inPixels(image, share, [noise, ...noises][i])),
    );

  // The strip depends on all but t: while only t moves it is not asked for.
  const ask = newest(async (/** @type {Schedule & Values & { t: number }} */ wanted) => {
    const rest = JSON.stringify({ ...wanted, t: 0 });
    try {
      /** @type {Answer} */
      const answer = await post("lab/noised", {
        ...wanted,
        strip: rest !== stripOf,
        numbers_only: wanted.space === "pixels",
      });
      const [shown, ...others] = await picturesOf(answer, wanted.image);
      paint(big, shown);
      if (answer.steps) {
        strip.replaceChildren(...stripButtons(others, answer.steps, wanted.num_train_timesteps, go));
        stripOf = rest;
      }
      formula.replaceChildren(...written(answer));
      shape = answer.shape?.join(" × ") ?? "";
      Object.assign(big.dataset, { t: answer.t, space: wanted.space, through: wanted.through });
      message.hidden = true;
      say();
    } catch (error) {
      message.textContent = /** @type {Error} */ (error).message;
      message.hidden = false;
    }
  });
  function say() {
    const { space, through } = big.dataset;
    note.textContent =
      space === "latents"
        ? t(through === "decoder" ? "lab.space.decoder" : "lab.space.preview", { shape })
        : t("lab.space.pixels");
    big.setAttribute("aria-label", t("live.x"));
  }
  return { big, strip, formula, note, message, ask, say };
}

/** @param {HTMLCanvasElement} canvas @param {ImageBitmap} bitmap */
function paint(canvas, bitmap) {
  onto(canvas, bitmap);
  bitmap.close();
}

/** @param {ImageBitmap[]} bitmaps @param {number[]} steps @param {number} end the last step @param {(share: number) => void} go */
function stripButtons(bitmaps, steps, end, go) {
  return bitmaps.map((bitmap, i) => {
    const canvas = el("canvas"),
      at = steps[i];
    paint(canvas, bitmap);
    return el(
      "button",
      { type: "button", "aria-label": `t = ${at}`, onclick: () => go(at / end) },
      canvas,
      el("span", { class: "figures" }, String(at)),
    );
  });
}

/** q(x_t | x_0) with the present numbers. @param {Answer} answer @returns {(string | HTMLElement)[]} */
const written = ({ t: now, signal, noise, beta }) => [
  "x",
  el("sub", {}, String(now)),
  ` = ${now ? signal.toFixed(4) : 1} · x`,
  el("sub", {}, "0"),
  ` + ${now ? noise.toFixed(4) : 0} · ε`,
  ...(beta == null ? [] : [",  β", el("sub", {}, String(now)), ` = ${figure(beta)}`]),
];

/** Even steps from the picture to the noise; none before the first schedule has come. @param {Schedule | undefined} schedule @param {Values} values */
async function* filmOf(schedule, values) {
  if (!schedule) return;
  const wanted = { ...schedule, ...values, strip: false },
    end = schedule.num_train_timesteps,
    count = Math.min(FILMED, end + 1);
  for (let i = 0; i < count; i++) {
    /** @type {Answer} */
    const answer = await post("lab/noised", { ...wanted, t: Math.round((i / (count - 1)) * end) });
    yield drawSheet({
      title: written(answer)
        .map((part) => (typeof part === "string" ? part : part.textContent))
        .join(""),
      wide: WIDE,
      tiles: [{ name: t("live.x"), picture: await decode(answer.shown?.[0] ?? "") }],
    });
  }
}
