// A picture that a network follows, as the page shows it: a place to drop one, then what the network sees of it.
import { el, icon, icons } from "./dom.js";
import { t } from "./words.js";

/**
 * @typedef {{ picture: string, how: string, seen: string, gone: string, remove: string }} Words keys of the table
 * @typedef {{ bare: HTMLElement[], side: HTMLElement[], under: HTMLElement[] }} More beside the place, the picture,
 * below
 */

/** @param {string} prefix @param {More} more */
function createParts(prefix, more) {
  const choose = el("input", { type: "file", accept: "image/*", id: `${prefix}-file`, class: "picture-file" });
  const name = el("b"),
    how = el("span", { class: "help" }),
    alas = el("p", { class: "alas", role: "alert" });
  const drop = el("label", { class: "drop" }, choose, name, how);
  const image = el("img", { id: `${prefix}-seen`, alt: "" }),
    heading = el("b");
  const remove = el("button", { type: "button", id: `${prefix}-remove`, class: "small" }, icon(icons.cross));
  const bare = el("div", { class: "bare" }, drop, ...more.bare);
  const chosen = el("div", { class: "chosen" }, image, el("div", { class: "side" }, heading, ...more.side), remove);
  const panel = el("div", { class: "control takes-picture" }, bare, chosen, ...more.under, alas);
  const node = el("section", { id: `${prefix}-panel`, class: "followed" }, panel);
  return { choose, name, how, alas, image, heading, remove, bare, chosen, panel, node };
}

/**
 * @param {string} prefix of the fields that it belongs to
 * @param {Words} words
 * @param {More} more
 * @param {{ bring: (file: File) => void, remove: () => void }} actions
 */
export function createFollowedView(prefix, words, more, { bring, remove }) {
  const parts = createParts(prefix, more),
    { choose, image, panel } = parts;
  choose.addEventListener("change", () => {
    const file = choose.files?.[0];
    if (file) bring(file);
    choose.value = "";
  });
  panel.addEventListener("picture", (event) => bring(/** @type {CustomEvent<File>} */ (event).detail));
  parts.remove.addEventListener("click", () => {
    remove();
    choose.focus();
  });
  return {
    node: parts.node,
    /** @param {Blob} bytes */
    see(bytes) {
      const before = image.src;
      image.src = URL.createObjectURL(bytes);
      if (before) URL.revokeObjectURL(before);
    },
    /** @param {{ chosen: boolean, busy: boolean, gone: boolean }} now */
    show({ chosen, busy, gone }) {
      parts.bare.hidden = chosen;
      parts.chosen.hidden = !chosen;
      parts.alas.hidden = !gone;
      parts.name.textContent = t(words.picture);
      parts.how.textContent = t(busy ? "control.busy" : words.how);
      parts.heading.textContent = image.alt = t(words.seen);
      parts.alas.textContent = t(words.gone);
      parts.remove.title = t(words.remove);
      parts.remove.setAttribute("aria-label", t(words.remove));
    },
  };
}
