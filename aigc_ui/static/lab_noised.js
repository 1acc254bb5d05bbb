// A picture under the noise of a schedule, at one step and at eight: in its pixels or in the embedded model's latents.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { post } from "./http.js";
import { whole } from "./lab.js";
import { createPictureChooser } from "./lab_picture.js";
import { figure } from "./plot_axes.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

const SPACES = ["pixels", "latents"],
  THROUGH = ["decoder", "preview"];
const PICTURE = /^[0-9a-f]{64}$/; // a kept one's id
const FILMED = 25,
  PACE = 120,
  WIDE = 384; // a film's even steps, milliseconds of each, pixels of its picture

// `schedule()` gives the present schedule's values; `moved()` is called when another step is looked at.
export function createNoisedPicture({ schedule, moved }) {
  const big = el("canvas", { id: "noised", role: "img" }),
    strip = el("div", { class: "noise-strip" });
  const formula = el("p", { class: "formula", id: "forward-formula" });
  const note = el("p", { class: "help", id: "noised-space" }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const range = el("input", { type: "range", id: "schedule-t", min: 0, max: 999, value: 500, "aria-label": "t" });
  const values = { image: "", space: SPACES[0], through: THROUGH[0] };
  const space = either("space", SPACES),
    through = either("through", THROUGH);
  const node = el(
    "div",
    { class: "noised" },
    el(
      "div",
      {},
      big,
      createPictureChooser((id) => {
        values.image = id;
        return show();
      }),
    ),
    el(
      "div",
      {},
      formula,
      el(
        "div",
        { class: "plane-line" },
        range,
        createSheetFilms("noising", film, () => PACE),
      ),
      strip,
      el("div", { class: "spaces" }, space.node, through.node),
      note,
      message,
    ),
  );
  let chosen = 0.5,
    shape = [],
    stripOf = "";

  const last = () => schedule().num_train_timesteps - 1;
  const step = () => Math.round(chosen * last());

  // The strip depends on all but t: while only t moves it is not asked for.
  const fetchNoise = newest(async (wanted) => {
    const rest = JSON.stringify({ ...wanted, t: 0 });
    try {
      const made = await post("lab/noised", { ...wanted, strip: rest !== stripOf });
      paint(big, await decode(made.shown[0]));
      if (made.strip) {
        const end = wanted.num_train_timesteps - 1;
        strip.replaceChildren(
          ...(await Promise.all(made.strip.map(decode))).map((bitmap, i) => small(bitmap, made.steps[i], end)),
        );
        stripOf = rest;
      }
      formula.replaceChildren(...written(made));
      shape = made.shape;
      Object.assign(big.dataset, { t: made.t, space: wanted.space, through: wanted.through });
      message.hidden = true;
      say();
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  });
  function show() {
    say();
    if (!schedule()) return null; // it is still to come, and shows the picture then
    range.max = last();
    range.value = step();
    return fetchNoise({ ...schedule(), ...values, t: step() });
  }
  async function* film() {
    const wanted = { ...schedule(), ...values, strip: false },
      end = wanted.num_train_timesteps - 1;
    const count = Math.min(FILMED, end + 1) || 0; // none before the first schedule has come
    for (let i = 0; i < count; i++) {
      const made = await post("lab/noised", { ...wanted, t: Math.round((i / (count - 1)) * end) });
      yield drawSheet({
        title: written(made)
          .map((part) => part.textContent ?? part)
          .join(""),
        wide: WIDE,
        tiles: [{ name: t("live.x"), picture: await decode(made.shown[0]) }],
      });
    }
  }
  // For a link or a file.
  const look = {
    read: () => ({ t: step(), image: values.image, space: values.space, through: values.through }),
    take: ({ t: at, image, space: chosenSpace, through: by }, { num_train_timesteps: T }) => {
      chosen = whole(at, 0, T - 1, (T - 1) / 2) / (T - 1);
      values.image = typeof image === "string" && PICTURE.test(image) ? image : "";
      values.space = SPACES.includes(chosenSpace) ? chosenSpace : SPACES[0];
      values.through = THROUGH.includes(by) ? by : THROUGH[0];
    },
  };
  function go(share) {
    chosen = share;
    moved();
    show();
  }
  range.addEventListener("input", () => {
    if (schedule()) go(+range.value / last());
  });

  function paint(canvas, bitmap) {
    onto(canvas, bitmap);
    bitmap.close();
  }
  function small(bitmap, at, end) {
    const canvas = el("canvas");
    paint(canvas, bitmap);
    return el(
      "button",
      { type: "button", "aria-label": `t = ${at}`, onclick: () => go(at / end) },
      canvas,
      el("span", { class: "figures" }, String(at)),
    );
  }
  function written({ t: now, signal, noise, beta }) {
    return [
      "x",
      el("sub", {}, String(now)),
      ` = ${signal.toFixed(4)} · x`,
      el("sub", {}, "0"),
      ` + ${noise.toFixed(4)} · ε,  β`,
      el("sub", {}, String(now)),
      ` = ${figure(beta)}`,
    ];
  }

  // Buttons of which one is pressed.
  function either(name, options) {
    const buttons = options.map((option) =>
      el("button", {
        type: "button",
        "data-option": option,
        onclick: () => {
          values[name] = option;
          show();
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
          button.setAttribute("aria-pressed", button.dataset.option === values[name]);
        }
      },
    };
  }
  function say() {
    space.say();
    through.say();
    through.node.hidden = values.space === "pixels";
    const numbers = { shape: shape.join(" × ") };
    const { space: made, through: by } = big.dataset;
    note.textContent =
      made === "latents"
        ? by === "decoder"
          ? t("lab.space.decoder", numbers)
          : t("lab.space.preview", numbers)
        : t("lab.space.pixels");
    big.setAttribute("aria-label", t("live.x"));
  }
  on("language", say);
  say();
  return { node, show, step, look };
}
