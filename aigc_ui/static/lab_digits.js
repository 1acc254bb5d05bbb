// Digits out of noise, in pixels: every step, the guess beside it, and the training pictures that lie nearest.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { createBench, whole } from "./lab.js";
import { createPlayer } from "./player.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

const WIDE = 800; // of a film's rows, in pixels

export function mountLabDigits(root) {
  const rows = Object.fromEntries(["x", "x0", "nearest"].map((id) => [id, row(`digits-${id}`)]));
  const { play, range, pace } = createPlayer(
    { play: "digits-play", range: "digits-step" },
    { show: (place) => go(place), pause: () => 120 },
  );
  const where = el("output", { class: "figures" }),
    verdict = el("p", { id: "digits-verdict" }),
    space = el("p", { class: "help" });
  const stage = el(
    "div",
    { class: "bench-main" },
    el("div", { class: "plane-line" }, play, range, where, createSheetFilms("digits", film, pace)),
    rows.x.node,
    rows.x0.node,
    rows.nearest.node,
    verdict,
    space,
  );
  let answer = null,
    frames = { x: [], x0: [] },
    step = Infinity;

  createBench(root, {
    id: "bench-digits",
    experiment: "digits",
    stage,
    look: {
      read: () => ({ step: +range.value }),
      take: (look) => {
        step = whole(look.step, 0, Infinity, Infinity);
      },
    },
    controls: [
      "model",
      "sampler",
      "variance",
      "eta",
      "label",
      "guidance_scale",
      "num_inference_steps",
      "clip_denoised",
      "shift",
      "seed",
    ],
    show: async (next) => {
      const [x, x0, nearest] = await Promise.all(
        [next.x, next.x0, next.nearest].map((all) => Promise.all(all.map(decode))),
      );
      [...frames.x, ...frames.x0].forEach((bitmap) => bitmap.close());
      answer = next;
      frames = { x, x0 };
      rows.nearest.paint(nearest[0]);
      range.max = x.length - 1;
      go(Math.min(step, x.length - 1));
      say();
    },
    shown: (values, parts) => {
      if (values.variance === "learned_range" && values.model !== "learned") {
        values.variance = "fixed_small";
        parts.variance?.set("fixed_small");
      }
      parts.variance.node.hidden = values.sampler === "ddim";
      parts.eta.node.hidden = values.sampler !== "ddim";
    },
  });

  function row(id) {
    const canvas = el("canvas", { id, role: "img" }),
      name = el("figcaption");
    return {
      node: el("figure", { class: "digits" }, name, canvas),
      name,
      canvas,
      paint: (bitmap) => onto(canvas, bitmap),
    };
  }
  function go(i) {
    step = i >= frames.x.length - 1 ? Infinity : i;
    range.value = i;
    rows.x.paint(frames.x[i]);
    rows.x0.paint(frames.x0[i]);
    where.textContent = stepOf(answer, i);
  }
  const stepOf = ({ steps }, i) => t("live.step", { step: steps[i], total: steps.at(-1) });
  async function* film() {
    const made = answer;
    for (let i = 0; i < (made?.x.length ?? 0); i++) {
      const tiles = await Promise.all(
        ["x", "x0"].map(async (id) => ({ name: t(`live.${id}`), picture: await decode(made[id][i]) })),
      );
      yield drawSheet({ title: stepOf(made, i), tiles, columns: 1, wide: WIDE, crisp: true });
    }
  }
  function say() {
    rows.x.name.textContent = t("live.x");
    rows.x0.name.textContent = t("live.x0");
    rows.nearest.name.textContent = t("lab.nearest");
    for (const { canvas, name } of Object.values(rows)) canvas.setAttribute("aria-label", name.textContent);
    space.textContent = t("lab.space.digits");
    if (!answer) return;
    const right = answer.read_as.filter((label, i) => label === answer.asked[i]).length;
    const gap = answer.gaps.reduce((sum, g) => sum + g, 0) / answer.gaps.length;
    verdict.textContent = t("lab.verdict", {
      right,
      all: answer.asked.length,
      gap: figure(gap),
      real: figure(answer.gap_of_data),
    });
  }
  on("language", say);
  say();
}
