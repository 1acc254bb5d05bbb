// Two pictures over each other with a slider between them, and in what their recipes differ.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { pictureUrl } from "./gallery_view.js";
import { recipeOf } from "./http.js";
import { differences } from "./recipe_difference.js";
import { named, valued } from "./recipe_rows.js";
import { t } from "./words.js";

/** @param {(error: unknown) => void} fail */
export function createCompare(fail) {
  const under = el("img", { alt: "" }),
    over = el("img", { alt: "", class: "over" }),
    line = el("span", { class: "line" });
  const slider = el("input", { type: "range", min: 0, max: 100, step: 0.5 }),
    stage = el("div", { class: "compare-stage" }, under, over, line, slider),
    table = el("tbody"),
    same = el("p", { class: "help" });
  const recipes = el("table", { class: "gallery-recipe" }, table);
  const { node, say } = createDialog("gallery-compare", stage, same, recipes);
  const lay = () => stage.style.setProperty("--at", `${slider.value}%`);
  slider.addEventListener("input", lay);

  /** The first lies left of the slider. @param {import("./types.d.ts").GalleryPicture[]} pictures */
  async function open([one, other]) {
    say(t("gallery.compare"));
    slider.setAttribute("aria-label", t("gallery.compare-slider"));
    over.src = pictureUrl(one.id);
    under.src = pictureUrl(other.id);
    stage.style.aspectRatio = `${other.width} / ${other.height}`;
    slider.value = "50";
    lay();
    table.replaceChildren();
    same.textContent = "";
    node.showModal();
    try {
      const found = differences(await recipeOf(one.id), await recipeOf(other.id));
      same.textContent = t(found.length ? "gallery.differences" : "gallery.same");
      table.replaceChildren(...found.map(([name, a, b]) => row(name, a, b)));
    } catch (error) {
      fail(error);
    }
  }
  return { node, open };
}
/** @param {string} name @param {unknown} one @param {unknown} other */
function row(name, one, other) {
  const cell = (/** @type {unknown} */ value) =>
    el("td", {}, value == null || value === "" ? "–" : valued(name, value));
  return el("tr", {}, el("th", { scope: "row" }, named(name)), cell(one), cell(other));
}
