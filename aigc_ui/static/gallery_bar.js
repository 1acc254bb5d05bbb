// The bar above the grid with what can be done to the chosen pictures.
import { el } from "./dom.js";
import { createMarks } from "./gallery_tags.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryPicture} Picture */

/**
 * @param {ReturnType<typeof import("./gallery_chosen.js").createChoice>} choice
 * @param {ReturnType<typeof import("./gallery_deeds.js").createDeeds>} deeds
 * @param {(pictures: Picture[]) => void} openCompare
 */
export function createBar(choice, deeds, openCompare) {
  const count = el("b"),
    marks = createMarks((change) => deeds.mark([...choice.ids], change));
  /** @param {string} name @param {() => unknown} onclick */
  const act = (name, onclick) => el("button", { type: "button", "data-act": name, onclick });
  const compare = act("compare", () => openCompare(choice.known())),
    remove = act("delete", () => deeds.remove([...choice.ids])),
    clear = act("clear", () => choice.drop(choice.ids));
  const node = el("div", { class: "gallery-bar", role: "toolbar" }, count, marks.node, compare, remove, clear);
  return {
    node,
    show: () => {
      const { size } = choice.ids;
      node.hidden = !size;
      count.textContent = t("gallery.chosen", { count: size });
      compare.textContent = t("gallery.compare");
      compare.hidden = size !== 2 || choice.known().length !== 2;
      remove.textContent = t("gallery.delete");
      clear.textContent = t("gallery.clear");
      marks.show(inCommon(choice.known()));
    },
  };
}
/** The marks that all of them have. @param {Picture[]} pictures */
function inCommon(pictures) {
  const [first, ...others] = pictures;
  if (!first) return { favourite: false, stars: 0, tags: [] };
  return {
    favourite: pictures.every(({ favourite }) => favourite),
    stars: others.every(({ stars }) => stars === first.stars) ? first.stars : 0,
    tags: first.tags.filter((tag) => others.every(({ tags }) => tags.includes(tag))),
  };
}
