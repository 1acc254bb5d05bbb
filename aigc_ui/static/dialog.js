// A dialog with a title and a button that closes it, as several parts of the studio open one.
import { el, icon, icons } from "./dom.js";
import { t } from "./words.js";

/** @param {string} id @param {...import("./dom.js").Child} content below its head */
export function createDialog(id, ...content) {
  const title = el("h2", { id: `${id}-title` }),
    close = el("button", { type: "button", class: "round", onclick: () => node.close() }, icon(icons.cross));
  const node = el(
    "dialog",
    { id, class: "gallery-dialog", tabindex: -1, "aria-labelledby": `${id}-title` },
    el("header", {}, title, close),
    ...content,
  );
  return {
    node,
    /** In the language of now. @param {string} name */
    say(name) {
      title.textContent = name;
      close.setAttribute("aria-label", t("detail.close"));
    },
  };
}
