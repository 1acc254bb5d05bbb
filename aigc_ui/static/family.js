// What the benches of the families' room share: the families by name, a picture or strip of each, and waiting in turn.
import { el, onto, ontoApart } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { language, t } from "./words.js";

export const FAMILIES = ["gan", "vae", "vq", "flow", "diffusion", "flow-matching"];

// The figures that were measured of the shipped models, asked for once.
/** @type {Promise<import("./types.d.ts").FamilyScores> | null} */
let scores = null;
export const familyScores = () =>
  (scores ??= api("lab/families").catch((error) => {
    scores = null;
    throw error;
  }));

/** A named canvas with figures below it. @param {string} id @param {string} name */
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
    /** @param {string} text */
    tell: (text) => {
      told.textContent = text;
    },
    /** @param {ImageBitmap | HTMLCanvasElement} bitmap */
    paint: (bitmap) => onto(canvas, bitmap),
    /** Square pictures side by side. @param {ImageBitmap} strip */
    paintRow: (strip) => ontoApart(canvas, strip, strip.height),
  };
}
/**
 * Below the control of the class, its name; of none in particular what `otherwise` says.
 * @param {{ data: string, label: number }} values @param {import("./types.d.ts").Parts} parts
 */
export async function nameClass({ data, label }, parts, otherwise = "") {
  const known = await familyScores().catch(() => null);
  const classes = known?.classes[data];
  const name = (classes?.[language()] ?? classes?.en)?.[label];
  helpOf(parts.label)?.replaceChildren(name ?? otherwise);
}
/** Where a control says what it is for. @param {import("./types.d.ts").Control | undefined} part */
export const helpOf = (part) => part?.node.querySelector(".help");
/** @param {number} value */
export const seconds = (value) => (value < 0.1 ? `${+(value * 1000).toPrecision(2)} ms` : `${value.toFixed(2)} s`);
