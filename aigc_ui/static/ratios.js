// Shapes of the picture: buttons that keep its number of pixels, as nearly as its sides allow, and one that turns it.
import { el } from "./dom.js";
import { on } from "./events.js";
import { settingsNow } from "./settings_now.js";
import { shaped } from "./shapes.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/** @type {[number, number][]} */
const RATIOS = [
  [1, 1],
  [4, 3],
  [3, 2],
  [16, 9],
];

/** @param {HTMLElement} root */
export function mountRatios(root) {
  let size = { width: 0, height: 0 },
    given = size, // by these buttons
    pixels = 0; // that shapes keep, also where none has quite as many
  /** As it is turned now. @param {[number, number]} ratio */
  const shape = ([wide, high]) => shaped(pixels, size.height > size.width ? high / wide : wide / high);
  /** @param {typeof size} next */
  function give(next) {
    given = next;
    applySettings(next, true);
  }
  const buttons = RATIOS.map((ratio) => {
    const [wide, high] = ratio;
    const name = `${wide}:${high}`;
    return el(
      "button",
      { type: "button", "data-ratio": name, onclick: () => give(shape(ratio)) },
      el("span", { class: "shape", style: `aspect-ratio:${wide}/${high}`, "aria-hidden": "true" }),
      name,
    );
  });
  const swap = el(
    "button",
    {
      type: "button",
      id: "ratio-swap",
      onclick: () => give({ width: size.height, height: size.width }),
    },
    "⇄",
  );
  const node = el("div", { class: "ratios", role: "group" }, ...buttons, swap);
  root.replaceChildren(node);
  function render() {
    node.setAttribute("aria-label", t("ratio"));
    node.classList.toggle("upright", size.height > size.width);
    RATIOS.forEach((ratio, i) => {
      const { width, height } = shape(ratio);
      buttons[i].setAttribute("aria-pressed", String(width === size.width && height === size.height));
    });
    swap.disabled = size.width === size.height;
    swap.title = t("ratio.swap");
    swap.setAttribute("aria-label", swap.title);
  }
  function take() {
    const { width, height } = settingsNow();
    if (!width || !height) return; // not told yet, or being typed
    size = { width, height };
    const ours = [width, height].every((side) => [given.width, given.height].includes(side));
    if (!ours) pixels = width * height;
    render();
  }
  on("settled", take);
  on("language", render);
  render();
  take();
}
