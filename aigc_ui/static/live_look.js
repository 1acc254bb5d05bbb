// What the live view shows: the picture, the noise that it comes from, both beside each other, or a step apart.
import { el } from "./dom.js";
import { on } from "./events.js";
import { remember, remembered } from "./memory.js";
import { t } from "./words.js";

/** @typedef {"result" | "noise" | "both" | "apart"} Look */
/** @type {Record<Look, string>} */
const WORDS = {
  result: "live.look.result",
  noise: "live.look.noise",
  both: "live.look.both",
  apart: "live.look.apart",
};
const LOOKS = /** @type {Look[]} */ (Object.keys(WORDS));

/** A button for each, of which this browser remembers one. @param {(look: Look) => void} change */
export function createLook(change) {
  let look = LOOKS.find((one) => one === remembered("live.look")) ?? "result",
    before = false;
  const buttons = LOOKS.map((one) => el("button", { type: "button", "data-look": one, onclick: () => choose(one) }));
  const node = el("div", { class: "either", role: "group", id: "live-look" }, ...buttons);
  /** @param {Look} one */
  function choose(one) {
    look = one;
    remember("live.look", one);
    say();
    change(one);
  }
  function say() {
    node.setAttribute("aria-label", t("live.look"));
    LOOKS.forEach((one, i) => {
      buttons[i].textContent = t(one === "noise" && before ? "live.look.before" : WORDS[one]);
      buttons[i].setAttribute("aria-pressed", String(one === look));
    });
  }
  on("language", say);
  say();
  return {
    node,
    now: () => look,
    /** Whether a picture that was there before stands in the place of the noise. @param {boolean} next */
    besideBefore: (next) => {
      before = next;
      say();
    },
  };
}
