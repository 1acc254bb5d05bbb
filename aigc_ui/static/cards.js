// Pictures of what the built-in model does well, where there is no picture yet: a click takes prompt and seed.
import table from "./cards_table.js";
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

const SHEET = new URL("./cards.webp", import.meta.url).href;
const ROWS = Math.ceil(table.cards.length / table.columns);

/** Where a cell lies, of so many in a line. @param {number} index @param {number} count */
const along = (index, count) => `${count > 1 ? (100 * index) / (count - 1) : 0}%`;

/** @param {{ prompt: string, seed: number }} card @param {number} place @param {() => void} taken */
function createCard({ prompt, seed }, place, taken) {
  const picture = el("span", { class: "picture", "aria-hidden": "true" });
  Object.assign(picture.style, {
    backgroundImage: `url("${SHEET}")`,
    backgroundSize: `${100 * table.columns}% ${100 * ROWS}%`,
    backgroundPosition: `${along(place % table.columns, table.columns)} ${along(Math.floor(place / table.columns), ROWS)}`,
  });
  const take = () => {
    applySettings({ model: table.model, prompt, seed }, true);
    taken();
    document.getElementById("generate")?.focus();
  };
  return el("button", { type: "button", "data-prompt": prompt, onclick: take }, picture, el("span", {}, prompt));
}

/** Over the live view: shown where no job is looked at, and when they are asked for. */
export function createCards() {
  let empty = true,
    wanted = false;
  const title = el("h2");
  const node = el(
    "section",
    { id: "cards" },
    title,
    el("div", { class: "cards" }, ...table.cards.map((card, i) => createCard(card, i, () => want(false)))),
  );
  function show() {
    node.hidden = !empty && !wanted;
    title.textContent = t("cards");
    emit("cards", wanted);
  }
  /** @param {boolean} next */
  function want(next) {
    wanted = next;
    show();
  }
  on("want-cards", () => want(!wanted));
  on("watch", (job) => {
    empty = !job;
    want(false);
  });
  on("pending", () => want(false));
  on("language", show);
  show();
  return node;
}

/** The button that asks for them, beside the prompt. @param {HTMLElement} root */
export function mountExamples(root) {
  const button = el("button", { type: "button", id: "examples-show", onclick: () => emit("want-cards") });
  root.replaceChildren(el("div", { id: "example-cards" }, button));
  let open = false;
  const render = () => {
    button.textContent = t("cards.show");
    button.setAttribute("aria-pressed", String(open));
  };
  on("cards", (next) => {
    open = next;
    render();
  });
  on("language", render);
  render();
}
