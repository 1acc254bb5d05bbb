// Words of the prompt that the model does not hear: underlined where they stand, listed beneath, and on a click what it
// knows that is nearest.
import { around, box, el } from "./dom.js";
import { on } from "./events.js";
import { createMirror } from "./prompt_mirror.js";
import { replace } from "./typed.js";
import { known, sheetAddress } from "./vocabulary.js";
import { moved, replaced } from "./word_places.js";
import { cell } from "./word_pictures.js";
import { language, localeOf, t } from "./words.js";

const UNFINISHED = 900; // ms without a key after which the word before the cursor is taken for a whole one
const MOST = 12; // chips; whoever wrote more words that it does not know reads the first

/** @typedef {import("./types.d.ts").Unheard} Unheard */

/** @type {{ prompt: string, words: Unheard[] }} */
let heard = { prompt: "", words: [] };
/** The word whose neighbours are shown: its text and what it is said of. */
let chosen = "";

/** @param {Unheard} word */
const keyOf = ({ text, thing }) => `${text.toLowerCase()}\n${thing.toLowerCase()}`;
const field = () => /** @type {HTMLTextAreaElement | null} */ (box("prompt"));
/** @param {string[]} kinds */
const kindsNamed = (kinds) => {
  const names = kinds
    .map((kind) => known()?.kinds[kind]?.names ?? {})
    .map((names) => names[language()] ?? names.en ?? "");
  return new Intl.ListFormat(localeOf(language())).format(names.filter(Boolean));
};

/** @param {HTMLElement} root */
export function mountUnheard(root) {
  const mirror = createMirror();
  const lines = el("div", { id: "unheard-lines", role: "status" }),
    near = el("div", { id: "unheard-near", role: "group", hidden: true }),
    panel = el("div", { id: "unheard-panel", hidden: true }, lines, near);
  root.replaceChildren(panel);

  function underline() {
    const place = field();
    if (!place) return;
    place.spellcheck = !known(); // its lines would lie on ours
    if (known() && heard.words.length) mirror.draw(place, moved(heard.words, heard.prompt, place.value));
    else mirror.clear();
  }
  function render() {
    const words = known() ? heard.words : [];
    const different = [...new Map(words.map((word) => [keyOf(word), word])).values()];
    panel.hidden = !different.length;
    if (!different.some((word) => keyOf(word) === chosen)) chosen = "";
    lines.replaceChildren(...linesOf(different, choose));
    showNear(
      near,
      different.find((word) => keyOf(word) === chosen),
    );
  }
  /** @param {Unheard} word */
  function choose(word) {
    chosen = chosen === keyOf(word) ? "" : keyOf(word);
    render();
    /** @type {HTMLElement | null} */ (lines.querySelector(`[data-key="${CSS.escape(keyOf(word))}"]`))?.focus();
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {typeof heard} next */
  function show(next) {
    const before = heard.words.map(keyOf).join();
    heard = next;
    underline();
    if (before !== heard.words.map(keyOf).join()) render(); // else a reader of the screen would hear it again
  }
  on("unheard", (next) => {
    clearTimeout(timer);
    const finished = next.words.filter((word) => !isBeingWritten(word));
    show({ ...next, words: finished });
    if (finished.length < next.words.length) timer = setTimeout(() => show(next), UNFINISHED);
  });
  on("vocabulary", () => {
    clearTimeout(timer);
    heard = { prompt: "", words: [] };
    underline();
    render();
  });
  on("language", render);
  document.addEventListener("input", (event) => {
    if (around(event, "#prompt")) underline();
  });
}

/** Whether the cursor stands at its end. @param {Unheard} word */
function isBeingWritten({ end }) {
  const place = field();
  return place === document.activeElement && place?.selectionStart === end && place.selectionEnd === end;
}
/** A line for what it does not know, and one for each kind of thing that words cannot be said of.
 * @param {Unheard[]} words @param {(word: Unheard) => void} choose */
function linesOf(words, choose) {
  /** @type {Map<string, Unheard[]>} */
  const lines = new Map();
  for (const word of words.slice(0, MOST)) {
    const title = word.thing ? t("unheard.of", { kinds: kindsNamed(word.kinds) }) : t("unheard");
    lines.set(title, [...(lines.get(title) ?? []), word]);
  }
  const rest = words.length - MOST;
  return [...lines].map(([title, some], line) =>
    el(
      "p",
      { class: "unheard-line" },
      el("span", { class: "help" }, title),
      ...some.map((word) => chip(word, choose)),
      rest > 0 && line === lines.size - 1 && el("span", { class: "help" }, t("unheard.more", { count: rest })),
    ),
  );
}
/** @param {Unheard} word @param {(word: Unheard) => void} choose */
const chip = (word, choose) =>
  el(
    "button",
    {
      type: "button",
      class: "word",
      "data-key": keyOf(word),
      "aria-expanded": String(chosen === keyOf(word)),
      "aria-controls": "unheard-near",
      onclick: () => choose(word),
    },
    word.text,
    word.thing && el("span", { class: "thing" }, word.thing),
  );

/** @param {HTMLElement} near @param {Unheard | undefined} word */
function showNear(near, word) {
  near.hidden = !word;
  if (!word) return near.replaceChildren();
  const title = word.near.length || word.thing ? "unheard.instead" : "unheard.none";
  const sheet = known()?.sheet;
  near.replaceChildren(
    el("span", { class: "help" }, t(title, { word: word.text })),
    ...word.near.map(({ text, picture }) =>
      el(
        "button",
        { type: "button", class: "near", onclick: () => put(word, text) },
        sheet && picture !== null && cell(sheet, sheetAddress(), picture, 20),
        text,
      ),
    ),
    el("button", { type: "button", class: "near", onclick: () => put(word, "") }, t("unheard.leave_out")),
  );
}
/** Instead of the word wherever it stands, in one edit. @param {Unheard} word @param {string} instead */
function put(word, instead) {
  const place = field();
  if (!place) return;
  const same = moved(heard.words, heard.prompt, place.value).filter((other) => keyOf(other) === keyOf(word));
  if (!same.length) return;
  const edit = replaced(place.value, same, instead);
  replace(place, edit.from, edit.to, edit.text);
}
