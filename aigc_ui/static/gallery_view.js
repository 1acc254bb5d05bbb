// One picture of the gallery, large: zoomed to its pixels, its recipe, its marks, and what can be done with it.
import { el, icon, icons } from "./dom.js";
import { createActs } from "./gallery_acts.js";
import { withCheck } from "./gallery_check.js";
import { createMarks, markOfKey } from "./gallery_tags.js";
import { recipeOf, url } from "./http.js";
import { rows } from "./recipe_rows.js";
import { t } from "./words.js";
import { createZoomStage } from "./zoom_stage.js";

/**
 * @typedef {import("./types.d.ts").GalleryPicture} Picture
 * @typedef {import("./types.d.ts").Recipe} Recipe
 * @typedef {import("./gallery_tags.js").Change} Change
 */

/** @param {string} id */
export const pictureUrl = (id) => url(`images/${encodeURIComponent(id)}.png`);

/**
 * @param {{
 *   at: (index: number) => Picture | undefined, total: () => number, want: (from: number, to: number) => void,
 *   mark: (ids: string[], change: Change, also: Picture) => void, remove: (ids: string[]) => void, left: (index: number) => unknown,
 *   fail: (error: unknown) => void, notice: HTMLElement, family: (picture: Picture) => void,
 *   similar: (picture: Picture) => void,
 * }} gallery `left` is told which picture was looked at last; `notice` is shown here while it is open
 */
export function createView(gallery) {
  let [index, alone, recipe] = [0, false, /** @type {Recipe} */ ({})]; // alone: the list need not have the picture
  /** @type {Picture | undefined} */
  let picture;
  const close = () => node.close();
  const remove = () => picture && gallery.remove([picture.id]);
  const mark = (/** @type {Change} */ change) => picture && gallery.mark([picture.id], change, picture);
  const family = () => picture && gallery.family(picture);
  const now = () => ({ picture, recipe });
  const acts = withCheck(createActs(now, { leave: close, remove, family, similar: gallery.similar }), now);
  const parts = createParts(acts.node, mark),
    { node, zoom, table } = parts;

  /** @param {number} wanted */
  function open(wanted) {
    index = wanted;
    gallery.want(index, index + 1);
    return show(gallery.at(index));
  }
  /** A picture that the list need not have: there is none before or after it. @param {Picture} one */
  const openAlone = (one) => show(one, true);
  /** @param {Picture | undefined} one undefined while it is not here */
  async function show(one, byItself = false) {
    [picture, alone] = [one, byItself];
    if (!node.open) {
      node.showModal();
      node.focus(); // not on the first button, which a space would press
      parts.slot.append(gallery.notice);
    }
    [recipe, table.textContent] = [{}, ""];
    acts.clear();
    say();
    if (!picture) return;
    const { id, title } = picture;
    zoom.show(pictureUrl(id), title);
    const read = await recipeOf(id).catch(gallery.fail);
    if (!read || picture?.id !== id) return;
    recipe = read;
    say();
  }
  /** After the list or the marks have changed. */
  function render() {
    if (!node.open) return;
    if (alone) return say();
    if (!gallery.total()) return close();
    if (index >= gallery.total()) return open(gallery.total() - 1);
    const now = gallery.at(index);
    if (now && now.id !== picture?.id) return open(index);
    picture = now ?? picture;
    say();
  }
  function say() {
    parts.say(alone ? 0 : index, alone ? 1 : gallery.total());
    acts.say();
    acts.offer();
    table.replaceChildren(...rows(recipe));
    if (picture) parts.marks.show(picture);
  }
  /** @param {number} by */
  function walk(by) {
    if (alone) return;
    if (gallery.at(index + by) || (index + by >= 0 && index + by < gallery.total())) open(index + by);
  }
  listen(parts, { walk, remove, close, mark: (key) => markOfKey(key, Boolean(picture?.favourite)), change: mark });
  node.addEventListener("close", () => gallery.left(index));
  /** These lie in the bin now. @param {string[]} ids */
  const gone = (ids) => alone && picture && ids.includes(picture.id) && close();
  return { node, open, openAlone, render, gone, slot: parts.slot };
}

/** @param {HTMLElement} acts @param {(change: Change) => void} mark */
function createParts(acts, mark) {
  const zoom = createZoomStage(),
    marks = createMarks(mark),
    place = el("span", { class: "figures" }),
    table = el("tbody"),
    title = el("h2", { id: "gallery-view-title" });
  const buttons = [icons.back, icons.next, icons.cross].map((path) =>
    el("button", { type: "button", class: "round" }, icon(path)),
  );
  const head = el("header", {}, title, place, ...buttons),
    slot = el("div");
  const side = el(
    "div",
    { class: "side" },
    head,
    slot,
    marks.node,
    acts,
    el("table", { class: "gallery-recipe" }, table),
  );
  const node = el(
    "dialog",
    { id: "gallery-view", class: "gallery-dialog", tabindex: -1, "aria-labelledby": "gallery-view-title" },
    zoom.node,
    side,
  );
  /** Of which picture, in the words of now. @param {number} index @param {number} total */
  function say(index, total) {
    title.textContent = t("detail");
    place.textContent = `${index + 1} / ${total}`;
    zoom.say();
    for (const [i, word] of ["detail.previous", "detail.next", "detail.close"].entries()) {
      buttons[i].title = t(word);
      buttons[i].setAttribute("aria-label", t(word));
    }
    [buttons[0].disabled, buttons[1].disabled] = [index <= 0, index >= total - 1];
  }
  return { node, zoom, marks, table, buttons, slot, say };
}

/**
 * @param {ReturnType<typeof createParts>} parts
 * @param {{
 *   walk: (by: number) => void, remove: () => unknown, close: () => void, change: (change: Change) => void,
 *   mark: (key: string) => Change | null,
 * }} act
 */
function listen({ node, zoom, buttons }, act) {
  /** @type {Record<string, () => unknown>} */
  const keys = {
    ArrowLeft: () => act.walk(-1),
    ArrowRight: () => act.walk(1),
    Delete: act.remove,
    " ": act.close,
  };
  for (const [i, work] of [keys.ArrowLeft, keys.ArrowRight, act.close].entries())
    buttons[i].addEventListener("click", work);
  node.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || target instanceof HTMLInputElement) return;
    if (key === " " && target instanceof HTMLButtonElement) return;
    const change = act.mark(key);
    if (change) act.change(change);
    else if (Object.hasOwn(keys, key)) keys[key]();
    else if (!zoom.key(key)) return;
    event.preventDefault();
  });
}
