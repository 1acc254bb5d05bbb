// What the benches of the families' room share: the families by name, a picture or strip of each, and waiting in turn.
import { el, onto } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { language, t } from "./words.js";

export const FAMILIES = ["gan", "vae", "vq", "flow", "diffusion", "flow-matching"];

// The figures that were measured of the shipped models, asked for once.
let scores = null;
export const familyScores = () =>
  (scores ??= api("lab/families").catch((error) => {
    scores = null;
    throw error;
  }));

// A named canvas with figures below it.
export function createFamilyView(id, name) {
  const canvas = el("canvas", { id, role: "img" }),
    title = el("b"),
    told = el("span", { class: "figures" });
  const node = el("figure", { class: "family", "data-family": name }, el("figcaption", {}, title, told), canvas);
  const say = () => {
    title.textContent = t(`family.${name}`);
    canvas.setAttribute("aria-label", title.textContent);
  };
  on("language", say);
  say();
  return {
    node,
    canvas,
    tell: (text) => {
      told.textContent = text;
    },
    paint: (bitmap) => onto(canvas, bitmap),
  };
}
// Below the control of the class, its name; of none in particular what `otherwise` says.
export async function nameClass({ data, label }, { label: part }, otherwise = "") {
  const { classes } = await familyScores().catch(() => ({ classes: {} }));
  const names = classes[data]?.[language()] ?? classes[data]?.en;
  const name = names?.[label];
  if (part) part.node.querySelector(".help").textContent = name ?? otherwise;
}
export const seconds = (value) => (value < 0.1 ? `${+(value * 1000).toPrecision(2)} ms` : `${value.toFixed(2)} s`);
