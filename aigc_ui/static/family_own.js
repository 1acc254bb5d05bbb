// Models of one's own: which are here and what each can do. A diffusion draws step by step; an autoencoder takes a picture.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { createFamilyView } from "./family.js";
import { createOwnPicture } from "./family_own_picture.js";
import { createFilms } from "./film.js";
import { createRunner } from "./follow.js";
import { api, file } from "./http.js";
import { createBench } from "./lab.js";
import { createPlayer } from "./player.js";
import { figure } from "./plot_axes.js";
import { remark } from "./sentences.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

const HEEDED = {
  // the controls of each kind; all others are put away
  diffusion: ["label", "sampler", "num_inference_steps", "temperature", "samples", "seed"],
  vae: ["size", "interpolation", "share", "temperature", "samples", "seed"],
  vq: ["size"],
};
const CONTROLS = ["model", ...new Set(Object.values(HEEDED).flat())];
const PAUSE = 120;

export function mountFamilyOwn(root) {
  const noisy = createFamilyView("own-x", "x"),
    guess = createFamilyView("own-x0", "x0_pred");
  const runner = createRunner("own", {
    generator: "family-own",
    request: () => bench.values(),
    word: "own.start",
    begun: forget,
    heard: {
      frame: (frame) => take(frame),
      progress: () => {
        runner.status.textContent = t("race.loading");
      },
      end: (state) => {
        if (state === "done") runner.status.textContent = "";
      },
    },
  });
  const { play, range } = createPlayer({ play: "own-play", range: "own-step" }, { show: go, pause: () => PAUSE });
  const films = createFilms("own-films", {
    name: () => `samples-${bench.values().model}`,
    make: (kind) => file(`jobs/${runner.job()}/film.${kind}`),
  });
  const again = el("div", { class: "plane-line", hidden: true }, play, range, films);
  const pictures = el("div", { class: "family-grid two", hidden: true }, noisy.node, guess.node);
  const diffusion = el("div", { class: "own-part", hidden: true }, ...runner.nodes, pictures, again);
  const autoencoder = createOwnPicture((next) => bench.set(next));
  const note = el("p", { class: "help" }),
    about = el("p", { class: "figures", id: "own-about" }),
    none = el("p", { class: "empty-note", id: "own-none", hidden: true });
  const refused = el("ul", { class: "notes", id: "own-refused" }),
    refusedTitle = el("h3", { hidden: true });
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    none,
    about,
    diffusion,
    autoencoder.node,
    refusedTitle,
    refused,
  );
  let here = { models: [], refused: [] },
    frames = [];

  const bench = createBench(root, {
    id: "bench-own",
    experiment: "family-own",
    stage,
    controls: CONTROLS,
    show: () => {},
    request: async (values) => {
      await known;
      const model = modelOf(values);
      if (model && model.kind !== "diffusion") await autoencoder.ask(values, model);
      return values;
    },
    shown: (values, parts) => {
      known.then(() => settle(values, parts));
    },
  });
  const known = look();
  const modelOf = ({ model }) => here.models.find(({ name }) => name === model);

  async function look() {
    try {
      here = await api("lab/own-models");
    } catch (error) {
      runner.complain(error.message);
    }
    say();
  }
  // What this model can do is there; nothing else is.
  let settled = null;
  function settle(values, parts) {
    const model = modelOf(values);
    if (!model && here.models.length) return bench.set({ model: here.models[0].name });
    for (const option of parts.model?.node.querySelectorAll("option") ?? [])
      if (!here.models.some(({ name }) => name === option.value)) option.remove();
    for (const [name, part] of Object.entries(parts))
      part.node.hidden =
        !model || (name !== "model" && !HEEDED[model.kind].includes(name)) || (name === "label" && !model.classes);
    if (model?.classes) {
      parts.label.node.querySelectorAll("input").forEach((box) => {
        box.max = model.classes - 1;
      });
      parts.label.node.querySelector(".help").textContent = t("family.each");
    }
    if (parts.model && model) parts.model.set(values.model);
    diffusion.hidden = model?.kind !== "diffusion";
    autoencoder.node.hidden = !model || !diffusion.hidden;
    about.textContent = model
      ? t(`family.own.${model.kind}`, {
          name: model.class_name,
          size: model.shape.slice(1).reverse().join(" × "),
          mb: figure(model.bytes / 1e6),
          classes: model.classes,
        }) + (model.kind === "diffusion" && !model.own_noise ? ` ${t("own.usual")}` : "")
      : "";
    if (settled !== values.model) {
      settled = values.model;
      forget();
    }
  }

  function forget() {
    frames = [];
    again.hidden = pictures.hidden = true;
  }
  function take(frame) {
    frames.push(frame);
    pictures.hidden = false;
    again.hidden = frames.length < 2;
    range.max = frames.length - 1;
    runner.status.textContent = t("train.step", { done: frame.index, total: frame.total });
    draw(frames.length - 1);
  }
  function go(place) {
    draw(place);
  }
  const paint = newest(async ({ frame }) => {
    const [x, x0] = await Promise.all([decode(frame.x), decode(frame.x0)]);
    noisy.paint(x);
    guess.paint(x0);
    noisy.tell(`σ = ${figure(frame.sigma)}`);
    guess.tell(t("train.step", { done: frame.index, total: frame.total }));
  });
  function draw(place) {
    range.value = place;
    if (frames[place]) paint({ frame: frames[place] });
  }

  function say() {
    note.textContent = t("own.help");
    none.textContent = t("own.none");
    none.hidden = here.models.length > 0;
    refusedTitle.textContent = t("own.refused");
    refusedTitle.hidden = !here.refused.length;
    refused.replaceChildren(...here.refused.map(({ name, why }) => el("li", {}, el("b", {}, name), ` ${remark(why)}`)));
  }
  on("language", say);
  on("sentences", say);
  say();
}
