// The colours to paint with: a row of them, and any other one.
import { el } from "./dom.js";
import { t } from "./words.js";

const COLOURS = ["#111111", "#ffffff", "#e5383b", "#f77f00", "#ffd60a", "#2a9d3a", "#3a86ff", "#8338ec", "#8d5a3b"];

export function createColours() {
  const other = el("input", { type: "color", id: "mask-colour", value: COLOURS[2] });
  const row = COLOURS.map((colour) =>
    el("button", { type: "button", class: "colour", style: `--colour: ${colour}`, onclick: () => choose(colour) }),
  );
  /** @param {string} colour */
  function choose(colour) {
    other.value = colour;
    mark();
  }
  function mark() {
    row.forEach((button, i) => button.setAttribute("aria-pressed", String(COLOURS[i] === other.value)));
  }
  other.addEventListener("input", mark);
  mark();
  const node = el("span", { class: "colours", role: "group" }, ...row, other);
  return {
    node,
    value: () => other.value,
    say() {
      node.setAttribute("aria-label", t("paint.colour"));
      other.setAttribute("aria-label", t("paint.other"));
      row.forEach((button, i) => button.setAttribute("aria-label", t("paint.named", { colour: COLOURS[i] })));
    },
  };
}
