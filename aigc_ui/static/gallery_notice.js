// The line that says what was done in the gallery, with a way back, or what went wrong.
import { el } from "./dom.js";
import { t } from "./words.js";

export function createNotice() {
  const text = el("span"),
    undo = el("button", { type: "button", id: "gallery-undo", onclick: () => back() }),
    node = el("p", { class: "gallery-notice", role: "status", hidden: true }, text, undo);
  let words = () => "";
  let back = () => {};
  function say() {
    text.textContent = words();
    undo.textContent = t("gallery.undo");
  }
  return {
    node,
    say,
    clear: () => {
      node.hidden = true;
    },
    /** @param {() => string} what @param {() => void} undoing */
    done: (what, undoing) => {
      [words, back, node.hidden, undo.hidden] = [what, undoing, false, false];
      node.classList.remove("alas");
      say();
    },
    /** @param {() => string} what */
    warn: (what) => {
      [words, node.hidden, undo.hidden] = [what, false, true];
      node.classList.add("alas");
      say();
    },
  };
}
