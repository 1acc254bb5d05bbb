// What went well or wrong, beside the button, and what the studio says about itself on top of the page.
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { remark } from "./sentences.js";
import { has, t } from "./words.js";

/**
 * @typedef {string | (() => string)} Text
 * @typedef {{
 *   text?: string, run?: () => void, dismiss?: () => void, job?: import("./engine.d.ts").Job,
 * }} Act a button that mends it, by the key of its words; what is to be done when it is dismissed; the job it is about
 */

/** @type {{ kind: string, text: Text, act?: Act | null }} */
let message = { kind: "", text: "" };
/** A text may be a function of the language. @param {string} kind @param {Text} text @param {Act | null} act */
export function say(kind, text, act = null) {
  message = { kind, text, act };
  emit("message");
}
/** @param {Text} text @param {Act} [act] */
export const complain = (text, act) => say("error", text, act);
export const currentMessage = () => message;

/**
 * The studio's sentences name settings as programs write them: here as the page does, in its language.
 * @param {string} text
 */
const plain = (text) =>
  text.replace(/\b[a-z]+(_[a-z]+)+\b/g, (name) => (has(`field.${name}`) ? `“${t(`field.${name}`)}”` : name));

/** @param {HTMLElement} root */
export function mountMessage(root) {
  const words = el("span"),
    close = el(
      "button",
      {
        type: "button",
        class: "small",
        onclick: () => {
          const { act } = message;
          say("", "");
          act?.dismiss?.();
        },
      },
      "×",
    );
  const mend = el("button", {
    type: "button",
    id: "message-act",
    class: "small",
    hidden: true,
    onclick: () => {
      const { act } = message;
      say("", "");
      act?.run?.();
    },
  });
  const box = el("div", { id: "message-box", hidden: true }, words, mend, close);
  root.replaceChildren(box);
  const render = () => {
    box.hidden = !message.text;
    box.className = message.kind;
    box.setAttribute("role", message.kind === "error" ? "alert" : "status");
    words.textContent = plain(typeof message.text === "function" ? message.text() : message.text);
    mend.hidden = !message.act?.text;
    mend.textContent = message.act?.text ? t(message.act.text) : "";
    close.setAttribute("aria-label", t("error.dismiss"));
  };
  on("message", render);
  on("language", render);
  on("sentences", render);
  render();
}
/** @param {HTMLElement} root */
export function mountNotice(root) {
  const box = el("p", { id: "notice-box", role: "status", hidden: true });
  root.replaceChildren(box);
  let notice = "";
  const render = () => {
    box.hidden = !notice;
    box.textContent = remark(notice);
  };
  on("notice", (text) => {
    notice = text;
    render();
  });
  on("language", render);
  on("sentences", render);
}
