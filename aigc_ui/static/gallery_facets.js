// What the pictures that were found are like, and how many of each: pressed, a value narrows the search.
import { el } from "./dom.js";
import { starred } from "./gallery_grid.js";
import { has, language, localeOf, t } from "./words.js";

const FIRST = 6; // values that are seen before one asks for more

/** @param {string} facet @param {string} value */
export function valueName(facet, value) {
  if (facet === "favourite") return `♥ ${t("gallery.favourite")}`;
  if (facet === "stars") return value === "0" ? t("gallery.unrated") : starred(Number(value));
  if (facet === "folder") return value.split(/[\\/]/).filter(Boolean).at(-1) ?? value;
  if (facet === "month" || facet === "day") return dateName(facet, value);
  for (const key of [`gallery.kind.${value}`, `choice.${facet}.${value}`])
    if (["kind", "sampler"].includes(facet) && has(key)) return t(key);
  return value;
}
/** @param {string} facet @param {string} value */
function dateName(facet, value) {
  const [year, month, day] = value.split("-").map(Number);
  /** @type {Intl.DateTimeFormatOptions} */
  const parts =
    facet === "day" ? { month: "short", day: "numeric", weekday: "short" } : { year: "numeric", month: "long" };
  return new Intl.DateTimeFormat(localeOf(language()), { ...parts, timeZone: "UTC" }).format(
    Date.UTC(year, month - 1, day || 1),
  );
}
const BY_NAME = ["stars", "month", "day"]; // in their own order, the largest first

/** @param {(facet: string, value: string) => void} press */
export function createFacets(press) {
  const node = el("div", { class: "gallery-facets" });
  /** @type {Set<string>} */
  const whole = new Set();
  /** @param {Record<string, Record<string, number>>} facets @param {Map<string, Set<string>>} chosen */
  function show(facets, chosen) {
    const groups = Object.entries(facets).map(([facet, counts]) => {
      const own = chosen.get(facet) ?? new Set();
      const values = new Map([
        ...[...own].map((value) => /** @type {const} */ ([value, 0])),
        ...Object.entries(counts),
      ]);
      return [...values].some(([value]) => value !== "0") ? group(facet, values, own) : null;
    });
    node.replaceChildren(...groups.filter((one) => one !== null));
  }
  /** @param {string} facet @param {Map<string, number>} values @param {Set<string>} own */
  function group(facet, values, own) {
    const sorted = [...values];
    if (BY_NAME.includes(facet)) sorted.sort(([a], [b]) => (a < b ? 1 : -1));
    const seen = whole.has(facet) ? sorted : sorted.filter(([value], i) => i < FIRST || own.has(value));
    const buttons = seen.map(([value, count]) => {
      const button = el("button", { type: "button", class: "value", onclick: () => press(facet, value) });
      if (facet === "folder") button.title = value;
      button.setAttribute("aria-pressed", String(own.has(value)));
      button.append(el("span", { class: "name" }, valueName(facet, value)), el("span", { class: "count" }, count));
      return button;
    });
    const more = el(
      "button",
      { type: "button", class: "quiet" },
      t("gallery.more", { count: sorted.length - seen.length }),
    );
    const box = el("section", { "data-facet": facet }, el("h3", {}, t(`gallery.facet.${facet}`)), ...buttons);
    more.addEventListener("click", () => {
      whole.add(facet);
      box.replaceWith(group(facet, values, own));
    });
    if (sorted.length > seen.length) box.append(more);
    return box;
  }
  return { node, show };
}
