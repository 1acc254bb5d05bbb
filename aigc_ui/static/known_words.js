// "What this model knows": folded up under the prompt, every word of its vocabulary by kind, with small pictures, to be
// searched and to be written into the prompt by a click.
import { box, el } from "./dom.js";
import { on } from "./events.js";
import { grouped, written } from "./known_search.js";
import { replace } from "./typed.js";
import { known, sheetAddress } from "./vocabulary.js";
import { between } from "./word_places.js";
import { cell } from "./word_pictures.js";
import { language, t } from "./words.js";

const SIDE = 36; // of a picture
/** @typedef {import("./types.d.ts").Word} Word */

/** @param {HTMLElement} root */
export function mountKnownWords(root) {
  const title = el("summary"),
    search = el("input", { type: "search", id: "known-search", autocomplete: "off", spellcheck: "false" }),
    list = el("div", { id: "known-list", role: "group" }),
    none = el("p", { class: "help", role: "status" }),
    fold = el("details", { id: "known-fold", hidden: true }, title, search, none, list);
  root.replaceChildren(fold);

  function render() {
    const vocabulary = known();
    fold.hidden = !vocabulary;
    if (!vocabulary) return;
    title.textContent = t("known");
    search.placeholder = t("known.search");
    search.setAttribute("aria-label", t("known.search"));
    list.setAttribute("aria-label", t("known"));
    if (!fold.open) return list.replaceChildren(); // hundreds of words that nobody looks at
    const groups = grouped(vocabulary, search.value);
    none.textContent = groups.length ? t("known.help") : t("known.none", { text: search.value.trim() });
    const few = search.value.trim() && groups.length > 1; // of many kinds a word or two: no headings between them
    if (few) list.replaceChildren(row(groups.flatMap(([, words]) => words)));
    else list.replaceChildren(...groups.map(([kind, words]) => group(vocabulary.kinds[kind].names, words)));
    list.querySelector("button")?.setAttribute("tabindex", "0");
  }
  fold.addEventListener("toggle", render);
  fold.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it stops no job from here
    fold.open = false;
    title.focus();
  });
  search.addEventListener("input", render);
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") list.querySelector("button")?.focus();
  });
  list.addEventListener("keydown", (event) => step(list, event));
  on("vocabulary", () => {
    search.value = "";
    render();
  });
  on("language", render);
}

/** @param {Record<string, string>} names @param {Word[]} words */
function group(names, words) {
  const title = el(
    "h3",
    {},
    names[language()] ?? names.en ?? "",
    el("span", { class: "figures" }, String(words.length)),
  );
  return el("section", {}, title, row(words));
}
/** @param {Word[]} words */
const row = (words) => el("div", { class: "words" }, ...words.map(button));
/** @param {Word} word */
function button(word) {
  const name = written(word, language()).replace(/^[,，]\s*/, ""), // what the click writes: "in pixel style"
    sheet = known()?.sheet;
  const made = el(
    "button",
    {
      type: "button",
      tabindex: "-1",
      class: word.picture === null && !word.sign ? "plain" : "pictured",
      title: Object.values(word.names).flat().join(" · "),
      onclick: (/** @type {MouseEvent} */ event) => insert(written(word, language()), event.detail ? null : made),
    },
    sheet && word.picture !== null && cell(sheet, sheetAddress(), word.picture, SIDE),
    word.sign && el("span", { class: "sign", "aria-hidden": "true" }, word.sign),
    word.colour && swatch(word.colour),
    el("span", {}, name),
  );
  return made;
}
/** @param {string} colour */
function swatch(colour) {
  const node = el("span", { class: "swatch", "aria-hidden": "true" });
  node.style.background = colour;
  return node;
}
/** At the cursor, or instead of what is selected. Who pressed a key goes on from there. @param {string} word
 * @param {HTMLElement | null} back */
function insert(word, back) {
  const field = /** @type {HTMLTextAreaElement | null} */ (box("prompt"));
  if (!field) return;
  const { value, selectionStart: from, selectionEnd: to } = field;
  replace(field, from, to, between(value.slice(0, from), word, value.slice(to)));
  back?.focus();
}

/** The arrows go from word to word, up and down to the nearest of the next row. @param {HTMLElement} list
 * @param {KeyboardEvent} event */
function step(list, event) {
  const all = [...list.querySelectorAll("button")],
    now = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  if (now < 0) return;
  const to = next(all, now, event.key);
  if (!to) return;
  event.preventDefault();
  all[now].setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus();
}
/** @param {HTMLButtonElement[]} all @param {number} now @param {string} key */
function next(all, now, key) {
  if (key === "ArrowRight") return all[now + 1];
  if (key === "ArrowLeft") return all[now - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all[all.length - 1];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const here = all[now].getBoundingClientRect(),
    down = key === "ArrowDown";
  const others = all
    .map((one) => ({ one, place: one.getBoundingClientRect() }))
    .filter(({ place }) => (down ? place.top >= here.bottom : place.bottom <= here.top));
  const edge = down
    ? Math.min(...others.map(({ place }) => place.top))
    : Math.max(...others.map(({ place }) => place.top));
  const row = others.filter(({ place }) => place.top === edge);
  row.sort((a, b) => Math.abs(a.place.left - here.left) - Math.abs(b.place.left - here.left));
  return row[0]?.one;
}
