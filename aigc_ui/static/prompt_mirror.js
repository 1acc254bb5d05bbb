// Lines under words of a box of text: an unseen copy of the text lies exactly over it, takes no clicks and scrolls along.
import { el } from "./dom.js";
import { divided } from "./word_places.js";

const COPIED = [
  "fontFamily",
  "fontSize",
  "fontWeight",
  "fontStyle",
  "fontVariant",
  "fontStretch",
  "fontKerning",
  "lineHeight",
  "letterSpacing",
  "wordSpacing",
  "textIndent",
  "textTransform",
  "textAlign",
  "tabSize",
  "paddingTop",
  "paddingRight",
  "paddingBottom",
  "paddingLeft",
];

/** @typedef {import("./types.d.ts").Unheard} Unheard */

export function createMirror() {
  const node = el("div", { class: "prompt-mirror", "aria-hidden": "true" });
  /** @type {HTMLTextAreaElement | null} */
  let field = null;
  const follow = () => {
    if (field) node.scrollTop = field.scrollTop;
  };
  function lay() {
    if (!field) return;
    const look = /** @type {Record<string, any>} */ (/** @type {unknown} */ (getComputedStyle(field)));
    for (const name of COPIED) node.style[/** @type {any} */ (name)] = look[name];
    node.style.left = `${field.offsetLeft + field.clientLeft}px`;
    node.style.top = `${field.offsetTop + field.clientTop}px`;
    node.style.width = `${field.clientWidth}px`; // without a scroll bar, so that lines break where they do in the box
    node.style.height = `${field.clientHeight}px`;
    follow();
  }
  const sizes = new ResizeObserver(lay);
  /** Gradio may have put another box in the place of the last one. @param {HTMLTextAreaElement} next */
  function over(next) {
    if (next === field && node.parentElement === next.parentElement) return;
    field?.removeEventListener("scroll", follow);
    sizes.disconnect();
    field = next;
    field.after(node);
    field.addEventListener("scroll", follow);
    sizes.observe(field);
  }
  /** @param {HTMLTextAreaElement} next @param {Unheard[]} words in order */
  function draw(next, words) {
    over(next);
    const marks = divided(next.value, words).map(([text, word]) =>
      word ? el("mark", { class: word.thing ? "vain" : null }, text) : text,
    );
    node.replaceChildren(...marks, "\u200b"); // so that a last empty line has its height
    lay();
  }
  return { draw, clear: () => node.replaceChildren() };
}
