// Stars, favourite and tags of one picture or of several, as controls.
import { el } from "./dom.js";
import { t } from "./words.js";

const MOST_STARS = 5;
/** @typedef {{ favourite?: boolean, stars?: number, add_tags?: string[], remove_tags?: string[] }} Change */

/** @param {(change: Change) => void} change */
export function createMarks(change) {
  const heart = el("button", { type: "button", class: "heart" }, "♥");
  const stars = Array.from({ length: MOST_STARS }, (_, i) =>
    el("button", { type: "button", class: "star", "data-stars": i + 1 }, "★"),
  );
  const chips = el("span", { class: "tags" }),
    box = el("input", { type: "text", class: "tag-box", maxlength: 60, autocomplete: "off" });
  let now = { favourite: false, stars: 0, tags: /** @type {string[]} */ ([]) };
  heart.addEventListener("click", () => change({ favourite: !now.favourite }));
  for (const [i, star] of stars.entries())
    star.addEventListener("click", () => change({ stars: now.stars === i + 1 ? i : i + 1 }));
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") box.blur();
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    const tags = box.value.split(/[,，、]/).map((tag) => tag.trim()).filter(Boolean); // biome-ignore format: one line
    box.value = "";
    if (tags.length) change({ add_tags: tags });
  });
  /** @param {{ favourite: boolean, stars: number, tags: string[] }} marks */
  function show(marks) {
    now = marks;
    heart.setAttribute("aria-pressed", String(marks.favourite));
    stars.forEach((star, i) => star.setAttribute("aria-pressed", String(i < marks.stars)));
    chips.replaceChildren(...marks.tags.map(chip));
    say();
  }
  /** @param {string} tag */
  function chip(tag) {
    const away = el(
      "button",
      { type: "button", class: "chip", onclick: () => change({ remove_tags: [tag] }) },
      `${tag} ×`,
    );
    away.setAttribute("aria-label", t("gallery.remove-tag", { tag }));
    return away;
  }
  function say() {
    heart.title = t("gallery.favourite");
    heart.setAttribute("aria-label", heart.title);
    for (const star of stars) {
      star.title = t("gallery.stars", { count: star.dataset.stars });
      star.setAttribute("aria-label", star.title);
    }
    box.placeholder = t("gallery.add-tag");
    box.setAttribute("aria-label", t("gallery.add-tag"));
  }
  say();
  const node = el("div", { class: "gallery-marks" }, heart, el("span", { class: "stars" }, ...stars), chips, box);
  return { node, show };
}
/**
 * What keys say of pictures: f and 0 to 5; null for other keys.
 * @param {string} key @param {boolean} favourite whether it is one now @returns {Change | null}
 */
export function markOfKey(key, favourite) {
  if (key === "f") return { favourite: !favourite };
  return /^[0-5]$/.test(key) ? { stars: Number(key) } : null;
}
