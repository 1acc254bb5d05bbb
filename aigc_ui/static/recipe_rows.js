// A recipe as people read it: fields and values in the page's words, those that say nothing left out.
import { el } from "./dom.js";
import { declared, idle, label } from "./fields.js";
import { url } from "./http.js";
import { remark } from "./sentences.js";
import { has, language, localeOf, t } from "./words.js";

/** A picture that a recipe names, as long as the studio keeps it. @param {string} path */
function kept(path) {
  const gone = () => image.replaceWith(t("detail.gone"));
  const image = el("img", {
    class: "kept",
    src: url(path),
    alt: "",
    onerror: () => gone(),
  });
  return image;
}

// A field and its value as people read them.
/** @param {string} name */
export const named = (name) => label(name) || (has(`field.${name}`) ? t(`field.${name}`) : name.replaceAll("_", " "));
/** @param {string} name @param {any} value of a recipe, which may be a stranger's @returns {Node | string} */
export function valued(name, value) {
  if (/^((mask|control|ip)\d?_)?image$/.test(name)) return kept(`inputs/${encodeURIComponent(value)}.png`);
  if (name === "branch_from") return kept(`images/${encodeURIComponent(value)}`);
  if (Array.isArray(value)) return value.map((/** @type {number[]} */ point) => point.join(" ")).join("; ");
  if (/^[xyz]_field$/.test(name) && has(`field.${value}`)) return t(`field.${value}`);
  const key = `choice.${declared(name)}.${value}`;
  return has(key) ? t(key) : typeof value === "number" ? String(+value.toPrecision(12)) : String(value);
}

// The rows of a recipe in the order of the controls, then what came with it.
// What is not worth a row though it may change something.
/** @type {[RegExp, (request: any, value: any, name: string) => any][]} */
const WORTH = [
  [/^control\d?_(low|high)$/, (request, _value, name) => request[name.replace(/_\w+$/, "_type")] === "canny"],
  [/^(beta_start|beta_end)$/, (_request, value) => value],
  [/^upscaler$/, ({ upscale, factor }) => factor || upscale !== "none"],
  [/^[xyz]_field$/, (_request, value) => value !== "none"],
];
/** @param {import("./types.d.ts").Recipe} recipe */
export function rows(recipe) {
  /** @type {(name: string, value: any) => boolean} */
  const worth = (name, value) =>
    !idle(name, recipe.request ?? {}) &&
    WORTH.every(([names, shown]) => !names.test(name) || shown(recipe.request, value, name));
  const counts = (/** @type {[string, any]} */ [name, value]) =>
    value !== "" && value != null && value.length !== 0 && worth(name, value);
  /** @type {[string, Node | string][]} */
  const pairs = Object.entries(recipe.request ?? {})
    .filter(counts)
    .map(([name, value]) => /** @type {[string, Node | string]} */ ([named(name), valued(name, value)]));
  for (const { factor, upscaler } of recipe.enlarged ?? []) {
    pairs.push([t("detail.enlarged"), `${parseInt(factor, 10)}×, ${valued("upscaler", upscaler)}`]);
  }
  if (recipe.template?.prompt) pairs.push([t("detail.template"), recipe.template.prompt]);
  if (recipe.unfinished) pairs.push([t("detail.unfinished"), `${recipe.unfinished.step} / ${recipe.unfinished.of}`]);
  if (recipe.notes?.length) pairs.push([t("detail.notes"), recipe.notes.map(remark).join(" ")]);
  if (recipe.tool) pairs.push([t("detail.tool"), recipe.tool]);
  if (recipe.file) pairs.push([t("detail.file"), recipe.file]);
  for (const { name, value } of recipe.unknown ?? []) pairs.push([named(name), value]);
  if (recipe.created) pairs.push([t("detail.created"), new Date(recipe.created).toLocaleString(localeOf(language()))]);
  return pairs.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)));
}
