// The keys of the studio, in a list that opens by one of them.
import { around, el } from "./dom.js";
import { on } from "./events.js";
import { t } from "./words.js";

const COMMAND = /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl";

/** Where they work, then each with what it does. @type {[string, [string[], string][]][]} */
const KEYS = [
  [
    "keys.create",
    [
      [[COMMAND, "Enter"], "keys.generate"],
      [["Esc"], "keys.stop"],
      [[COMMAND, "↑ ↓"], "keys.weigh"],
      [["← →"], "keys.steps"],
    ],
  ],
  [
    "keys.large",
    [
      [["← →"], "keys.others"],
      [["+", "−"], "keys.zoom"],
      [["Z"], "keys.pixels"],
      [["Esc"], "keys.close"],
    ],
  ],
  [
    "keys.gallery",
    [
      [["F"], "keys.favourite"],
      [["0 – 5"], "keys.stars"],
      [["Del"], "keys.bin"],
      [["Space"], "keys.open"],
    ],
  ],
  ["keys.everywhere", [[["?"], "keys.list"]]],
];

function createList() {
  const title = el("h2", { id: "shortcuts-title" }),
    close = el("button", { type: "button", class: "round", onclick: () => node.close() }, "×"),
    body = el("div", { class: "keys" });
  const node = el(
    "dialog",
    { id: "shortcuts", "aria-labelledby": "shortcuts-title" },
    el("header", {}, title, close),
    body,
  );
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  function say() {
    title.textContent = t("keys.title");
    close.setAttribute("aria-label", t("detail.close"));
    body.replaceChildren(
      ...KEYS.map(([where, keys]) =>
        el(
          "section",
          {},
          el("h3", {}, t(where)),
          el(
            "dl",
            {},
            ...keys.flatMap(([names, does]) => [
              el("dt", {}, ...names.map((name) => el("kbd", {}, name))),
              el("dd", {}, t(does)),
            ]),
          ),
        ),
      ),
    );
  }
  on("language", say);
  say();
  return node;
}

/** The button that opens the list, and the list. */
export function createShortcuts() {
  const list = createList(),
    button = el(
      "button",
      { type: "button", id: "shortcuts-show", class: "quiet", onclick: () => list.showModal() },
      "?",
    );
  const say = () => {
    button.title = t("keys.title");
    button.setAttribute("aria-label", button.title);
  };
  document.addEventListener("keydown", (event) => {
    const writes = around(event, "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]");
    if (event.key !== "?" || event.isComposing || writes || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    list.showModal();
  });
  on("language", say);
  say();
  return [button, list];
}
