// What the engine says against settings that would ruin the picture, and a button that sets what suits.
import { el } from "./dom.js";
import { sentence } from "./sentences.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/**
 * @typedef {{
 *   reasons: import("./engine.d.ts").Sentence[], settings: Partial<import("./engine.d.ts").RequestFields>,
 * }} Advice none where there are no reasons
 */

/** A line that is hidden without advice; `show` it again where the language changes. */
export function createAdvice() {
  /** @type {Advice | null} */
  let advice = null;
  const text = el("span"),
    button = el("button", { type: "button", id: "advice-set", class: "quiet" });
  const node = el("p", { id: "advice", class: "help", role: "status", hidden: true }, text, " ", button);
  button.addEventListener("click", () => advice && applySettings(advice.settings, true));
  /** @param {Advice | null} next */
  function show(next) {
    advice = next;
    node.hidden = !next?.reasons.length;
    text.textContent = next?.reasons.map(sentence).join(" ") ?? "";
    button.textContent = t("advice.set");
  }
  return { node, show };
}
