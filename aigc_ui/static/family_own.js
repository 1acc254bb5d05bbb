// Models of one's own: which are here and what each can do. A diffusion draws step by step; an autoencoder takes a picture.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { createFamilyView, helpOf } from "./family.js";
import { createOwnPicture } from "./family_own_picture.js";
import { createFilms } from "./film.js";
import { createRunner } from "./follow.js";
import { api, file, listed } from "./http.js";
import { createBench } from "./lab.js";
import { createPlayer } from "./player.js";
import { figure } from "./plot_axes.js";
import { remark } from "./sentences.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").OwnRequest} Values
 * @typedef {import("./engine.d.ts").Frame} Frame
 * @typedef {import("./types.d.ts").OwnModel} Model
 * @typedef {import("./types.d.ts").Parts} Parts
 * @typedef {{ models: Model[], refused: { name: string, why: string }[] }} Here
 */

/** The controls of each kind; all others are put away. @type {Record<Model["kind"], (keyof Values)[]>} */
const HEEDED = {
  diffusion: ["label", "sampler", "num_inference_steps", "temperature", "samples", "seed"],
  vae: ["size", "interpolation", "share", "temperature", "samples", "seed"],
  vq: ["size"],
};
/** @type {(keyof Values)[]} */
const CONTROLS = ["model", ...new Set(Object.values(HEEDED).flat())];
const PAUSE = 120;

/** @param {HTMLElement} root */
export function mountFamilyOwn(root) {
  /** @type {Here} */
  let here = { models: [], refused: [] };
  const diffusion = createDiffusion(() => bench.values()),
    autoencoder = createOwnPicture((next) => bench.set(next)),
    lists = createLists();
  const stage = el("div", { class: "bench-main" }, ...lists.heads, diffusion.node, autoencoder.node, ...lists.tails);
  /** @type {string | null} the model that was fitted last */
  let settled = null;

  const bench = createBench(root, {
    id: "bench-own",
    experiment: "family-own",
    stage,
    controls: CONTROLS,
    show: () => {},
    request: async (/** @type {Values} */ values) => {
      await known;
      const model = modelOf(values);
      if (model && model.kind !== "diffusion") await autoencoder.ask(values, model);
      return values;
    },
    shown: (values, parts) => {
      known.then(() => settle(values, parts));
    },
    ready: (given) => {
      known.then(() => diffusion.resume(bench.restored(given)));
    },
  });
  const known = look();
  /** @param {Values} values */
  const modelOf = (values) => here.models.find(({ name }) => name === values.model);

  async function look() {
    try {
      here = await api("lab/own-models");
    } catch (error) {
      diffusion.complain(/** @type {Error} */ (error).message);
    }
    lists.say(here);
  }
  /** What this model can do is there; nothing else is. @param {Values} values @param {Parts} parts */
  function settle(values, parts) {
    const model = modelOf(values);
    if (!model && here.models.length) return bench.set({ model: here.models[0].name });
    fit(parts, model, here);
    if (parts.model && model) parts.model.set(values.model);
    diffusion.node.hidden = model?.kind !== "diffusion";
    autoencoder.node.hidden = !model || !diffusion.node.hidden;
    lists.tell(model);
    if (settled === values.model) return;
    settled = values.model;
    diffusion.forget();
  }
  on("language", () => lists.say(here));
  on("sentences", () => lists.say(here));
  lists.say(here);
}

/** The controls that this model heeds, with its own classes. @param {Parts} parts @param {Model | undefined} model @param {Here} here */
function fit(parts, model, here) {
  for (const option of parts.model?.node.querySelectorAll("option") ?? [])
    if (!here.models.some(({ name }) => name === option.value)) option.remove();
  /** @type {string[]} */
  const heeded = model ? ["model", ...HEEDED[model.kind].filter((name) => name !== "label" || model.classes)] : [];
  for (const [name, part] of Object.entries(parts)) part.node.hidden = !heeded.includes(name);
  if (!model?.classes) return;
  for (const box of parts.label.node.querySelectorAll("input")) box.max = String(model.classes - 1);
  helpOf(parts.label)?.replaceChildren(t("family.each"));
}

/** What the bench is for, what the model at hand is, and which folders are no models. */
function createLists() {
  const note = el("p", { class: "help" }),
    about = el("p", { class: "figures", id: "own-about" }),
    none = el("p", { class: "empty-note", id: "own-none", hidden: true });
  const refused = el("ul", { class: "notes", id: "own-refused" }),
    title = el("h3", { hidden: true });
  return {
    heads: [note, none, about],
    tails: [title, refused],
    /** @param {Model | undefined} model */
    tell: (model) => {
      about.textContent = model ? described(model) : "";
    },
    /** @param {Here} here */
    say: (here) => {
      note.textContent = t("own.help");
      none.textContent = t("own.none");
      none.hidden = here.models.length > 0;
      title.textContent = t("own.refused");
      title.hidden = !here.refused.length;
      refused.replaceChildren(
        ...here.refused.map(({ name, why }) => el("li", {}, el("b", {}, name), ` ${remark(why)}`)),
      );
    },
  };
}
/** @param {Model} model */
function described(model) {
  const usual = model.kind === "diffusion" && !model.own_noise ? ` ${t("own.usual")}` : "";
  const words = t(`family.own.${model.kind}`, {
    name: model.class_name,
    size: model.shape.slice(1).reverse().join(" × "),
    mb: figure(model.bytes / 1e6),
    classes: model.classes,
  });
  return words + usual;
}

/** A diffusion of one's own, step by step: its state and its guess. @param {() => Values} values */
function createDiffusion(values) {
  const noisy = createFamilyView("own-x", "x"),
    guess = createFamilyView("own-x0", "x0_pred");
  const runner = createRunner("own", {
    generator: "family-own",
    request: values,
    word: "own.start",
    begun: forget,
    heard: {
      frame: (/** @type {Frame} */ frame) => take(frame),
      progress: () => {
        runner.status.textContent = t("race.loading");
      },
      end: (/** @type {string} */ state) => {
        if (state !== "done") return;
        runner.status.textContent = "";
        complete().catch(() => {}); // then the steps that were seen stay
      },
    },
  });
  const { play, range } = createPlayer({ play: "own-play", range: "own-step" }, { show: draw, pause: () => PAUSE });
  const films = createFilms("own-films", {
    name: () => `samples-${values().model}`,
    make: (kind) => file(`jobs/${runner.job()}/film.${kind}`),
  });
  const again = el("div", { class: "plane-line", hidden: true }, play, range, films);
  const pictures = el("div", { class: "family-grid two", hidden: true }, noisy.node, guess.node);
  const node = el("div", { class: "own-part", hidden: true }, ...runner.nodes, pictures, again);
  /** @type {Frame[]} */
  let frames = [];

  function forget() {
    frames = [];
    again.hidden = pictures.hidden = true;
  }
  /** @param {Frame} frame */
  const stepOf = ({ index, total }) => t("train.step", { done: index, total });
  /** @param {Frame} frame */
  function take(frame) {
    frames.push(frame);
    pictures.hidden = false;
    again.hidden = frames.length < 2;
    range.max = String(frames.length - 1);
    runner.status.textContent = stepOf(frame);
    draw(frames.length - 1);
  }
  /** All steps that are kept; of quick ones a live view leaves some out. */
  async function complete() {
    const id = runner.job();
    /** @type {Frame[]} */
    const kept = listed(await api(`jobs/${id}/frames`), "frames");
    if (runner.job() !== id || kept.length <= frames.length) return;
    frames = kept;
    range.max = String(frames.length - 1);
    draw(frames.length - 1);
  }
  const paint = newest(async (/** @type {{ frame: Frame }} */ { frame }) => {
    const [x, x0] = await Promise.all([decode(frame.x), decode(frame.x0)]);
    noisy.paint(x);
    guess.paint(x0);
    noisy.tell(`σ = ${figure(frame.sigma)}`);
    guess.tell(stepOf(frame));
  });
  /** @param {number} place */
  function draw(place) {
    range.value = String(place);
    if (frames[place]) paint({ frame: frames[place] });
  }
  return { node, forget, complain: runner.complain, resume: runner.resume };
}
