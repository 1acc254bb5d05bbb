// The settings of a picture as rows to be ticked, and those that the studio does not take, with the reason.
import { el } from "./dom.js";
import { named, valued } from "./recipe_rows.js";
import { remark } from "./sentences.js";
import { t } from "./words.js";

/**
 * @typedef {import("./fields.js").Settings} Settings
 * @typedef {{ name: string, value: string, why: string }} Unknown
 */

/** Fields that are taken with another one. @type {Record<string, string>} */
const TOGETHER = { mask_image: "image" };

/**
 * What is worth a row: not the strength of a start picture that there is none of, nor what goes with another field.
 * @param {Settings} settings
 */
const rowsOf = (settings) =>
  Object.keys(settings).filter(
    (name) => !(name in TOGETHER && TOGETHER[name] in settings) && !(name === "strength" && settings.image === ""),
  );

/** @param {Unknown[]} unknown */
export const unknownRows = (unknown) =>
  unknown.map(({ name, value, why }) =>
    el("li", {}, el("b", {}, named(name)), el("span", {}, value, why && el("small", {}, remark(why)))),
  );

/** @param {HTMLInputElement} box @param {...any} parts */
const row = (box, ...parts) => el("li", {}, el("label", {}, box, ...parts));

/**
 * Rows with a box each, and one for all where there are several; the last is for what the picture does not name.
 * @param {{ settings: Settings, unsaid: Settings }} metadata
 * @param {() => void} changed how many are ticked
 */
export function createRows({ settings, unsaid }, changed) {
  const names = rowsOf(settings);
  const boxes = names.map((name) => el("input", { type: "checkbox", checked: true, "data-field": name }));
  const all = el("input", { type: "checkbox", checked: true, id: "metadata-all" });
  /** @param {string} name */
  const value = (name) => (settings[name] === "" ? t("metadata.none") : valued(name, settings[name]));
  const each = names.map((name, i) => row(boxes[i], el("b", {}, named(name)), el("span", {}, value(name))));
  const rest = el("input", { type: "checkbox", checked: true, id: "metadata-rest" });
  const last = row(rest, el("b", {}, t("metadata.rest")), el("span", {}, t("metadata.rest.help")));
  const others = Object.keys(unsaid).length ? [last] : [];
  const chosen = () => boxes.filter((box) => box.checked).length;
  function count() {
    all.checked = chosen() === boxes.length;
    all.indeterminate = chosen() > 0 && chosen() < boxes.length;
    changed();
  }
  boxes.forEach((box) => box.addEventListener("change", count));
  all.addEventListener("change", () => {
    boxes.forEach((box) => {
      box.checked = all.checked;
    });
    count();
  });
  return {
    nodes: [...(names.length > 1 ? [row(all, el("b", {}, t("metadata.all")))] : []), ...each, ...others],
    chosen,
    /** The settings that are ticked, and all others as they were. @returns {Settings} */
    taken() {
      const ticked = new Set(names.filter((_, i) => boxes[i].checked));
      const leading = (/** @type {string} */ name) => (TOGETHER[name] in settings ? TOGETHER[name] : name);
      const own = Object.fromEntries(Object.entries(settings).filter(([name]) => ticked.has(leading(name))));
      return rest.checked ? { ...unsaid, ...own } : own;
    },
  };
}
