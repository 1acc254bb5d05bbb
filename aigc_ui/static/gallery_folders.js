// Folders of other programs, whose pictures the gallery shows where they lie: which are named, one more, one less.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { api, post } from "./http.js";
import { sentence, wording } from "./sentences.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryFolder} Folder */

const WHILE_READING = 2000; // milliseconds between two looks at how far they are
const OPEN = 5000;

/**
 * `button` opens the dialog; it is hidden where only the studio's owner may. `changed` is told that there are other pictures.
 * @param {() => void} changed
 */
export function createFolders(changed) {
  const parts = createParts(),
    { node, button, path, form, list, alas } = parts;
  /** @type {Folder[]} */
  let folders = [];
  let [pictures, timer] = [-1, 0];

  /** @param {{ folders: Folder[], changes: boolean }} answer */
  function take(answer) {
    folders = answer.folders;
    button.hidden = !answer.changes;
    const now = folders.reduce((sum, one) => sum + (one.problem ? 0 : one.pictures), 0);
    if (pictures >= 0 && now !== pictures) changed();
    pictures = now;
    render();
    clearTimeout(timer);
    if (node.open || left()) timer = setTimeout(look, left() ? WHILE_READING : OPEN);
  }
  const left = () => folders.reduce((sum, one) => sum + one.left, 0);
  const look = () => api("gallery/folders").then(take, () => {});
  /** @param {string} where @param {string} folder */
  async function change(where, folder) {
    alas.hidden = true;
    try {
      take(await post(`gallery/folders${where}`, { path: folder }));
      return true;
    } catch (error) {
      alas.textContent = wording(error)();
      alas.hidden = false;
      return false;
    }
  }
  function render() {
    const reading = left();
    button.textContent = reading ? t("folders.button-left", { count: reading.toLocaleString() }) : t("folders");
    list.replaceChildren(...folders.map((one) => item(one, () => change("/remove", one.path))));
    list.hidden = !folders.length;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await change("", path.value)) path.value = "";
    path.focus();
  });
  button.addEventListener("click", () => {
    alas.hidden = true;
    parts.say();
    node.showModal();
    path.focus();
    look();
  });
  look();
  return {
    node,
    button,
    say: () => {
      parts.say();
      render();
    },
  };
}

function createParts() {
  const button = el("button", { type: "button", id: "gallery-open-folders", hidden: true }),
    help = el("p", { class: "help" }),
    path = el("input", {
      type: "text",
      id: "gallery-folder",
      maxlength: 4000,
      autocomplete: "off",
      spellcheck: "false",
    }),
    add = el("button", { type: "submit", class: "primary" }),
    form = el("form", {}, path, add),
    alas = el("p", { class: "gallery-notice alas", role: "alert", hidden: true }),
    list = el("ul");
  const dialog = createDialog("gallery-folders", help, form, alas, list);
  return {
    node: dialog.node,
    button,
    path,
    form,
    list,
    alas,
    say: () => {
      dialog.say(t("folders"));
      help.textContent = t("folders.help");
      path.setAttribute("aria-label", t("folders.path"));
      path.placeholder = t("folders.path");
      add.textContent = t("folders.add");
    },
  };
}

/** @param {Folder} folder @param {() => unknown} remove */
function item({ path, kept, pictures, damaged, left, problem }, remove) {
  const said = [t("folders.pictures", { count: pictures.toLocaleString() })];
  if (left) said.push(t("folders.left", { count: left.toLocaleString() }));
  if (damaged) said.push(t("folders.damaged", { count: damaged.toLocaleString() }));
  if (!kept) said.push(t("folders.given"));
  const state = problem
    ? el("p", { class: "alas" }, sentence(problem))
    : el("p", { class: "figures" }, said.join(" · "));
  const button = el("button", { type: "button", onclick: remove }, t("folders.remove"));
  button.setAttribute("aria-label", t("folders.remove-one", { folder: path }));
  return el("li", {}, el("div", {}, el("b", {}, path), state), kept && button);
}
