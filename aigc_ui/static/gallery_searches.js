// Searches under a name, kept by the studio: the present one is saved, and those that were are asked again, renamed, deleted.
import { createDialog } from "./dialog.js";
import { el, icon, icons } from "./dom.js";
import { valueName } from "./gallery_facets.js";
import { api, listed, post } from "./http.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

/** @typedef {{ text: string, facets: Record<string, string[]> }} Asked */
/** @typedef {{ name: string, values: Asked }} Search */

/**
 * `button` opens the dialog. `now` is the present search, `apply` asks another one.
 * @param {() => Asked} now @param {(asked: Asked) => void} apply
 */
export function createSearches(now, apply) {
  const parts = createParts(),
    { node, form, name, line, undo, list } = parts;
  /** @type {Search[]} */
  let searches = [];
  let back = () => {};
  const bare = () => !now().text.trim() && !Object.keys(now().facets).length;

  /** @param {string} path @param {object} [body] */
  async function ask(path, body) {
    line.hidden = undo.hidden = true;
    try {
      searches = listed(await (body ? post(`gallery/searches${path}`, body) : api("gallery/searches")), "searches");
    } catch (error) {
      tell(wording(error)(), true);
      return false;
    } finally {
      render();
    }
    return true;
  }
  /** @param {string} words @param {boolean} alas */
  function tell(words, alas) {
    line.hidden = false;
    line.classList.toggle("alas", alas);
    line.firstElementChild?.replaceChildren(words);
  }
  /** @param {Search} search */
  async function remove(search) {
    if (!(await ask("/delete", { name: search.name }))) return;
    tell(t("searches.deleted", { name: search.name }), false);
    undo.hidden = false;
    back = () => ask("", search);
  }
  function render() {
    parts.say();
    form.hidden = bare();
    parts.present.textContent = bare() ? t("searches.bare") : described(now());
    list.hidden = !searches.length;
    list.replaceChildren(
      ...searches.map((one) =>
        item(one, {
          open: () => [node.close(), apply(one.values)],
          rename: (to) => ask("/rename", { name: one.name, to }),
          remove: () => remove(one),
        }),
      ),
    );
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await ask("", { name: name.value, values: now() })) name.value = "";
  });
  undo.addEventListener("click", () => back());
  parts.button.addEventListener("click", async () => {
    name.value = now().text.trim().slice(0, 60);
    render();
    node.showModal();
    await ask("");
  });
  return { node, button: parts.button, say: () => (node.open ? render() : parts.say()) };
}

function createParts() {
  const button = el("button", { type: "button", id: "gallery-open-searches" }),
    present = el("p", { class: "help" }),
    name = el("input", { type: "text", id: "gallery-search-name", maxlength: 60, autocomplete: "off", required: true }),
    save = el("button", { type: "submit", class: "primary" }),
    form = el("form", {}, name, save),
    undo = el("button", { type: "button", hidden: true }),
    line = el("p", { class: "gallery-notice", role: "status", hidden: true }, el("span"), undo),
    list = el("ul");
  const dialog = createDialog("gallery-searches", present, form, line, list);
  return {
    node: dialog.node,
    button,
    present,
    name,
    form,
    undo,
    line,
    list,
    say: () => {
      button.textContent = t("searches");
      dialog.say(t("searches"));
      name.placeholder = t("searches.name");
      name.setAttribute("aria-label", t("searches.name"));
      save.textContent = t("searches.save");
      undo.textContent = t("gallery.undo");
    },
  };
}

/** What a search asks for, in words. @param {Asked} asked */
const described = ({ text, facets }) =>
  [
    text.trim() && `“${text.trim()}”`,
    ...Object.entries(facets).map(([facet, values]) => values.map((value) => valueName(facet, value)).join(" / ")),
  ]
    .filter(Boolean)
    .join(" · ");

/** @param {Search} search @param {{ open: () => unknown, rename: (to: string) => unknown, remove: () => unknown }} act */
function item({ name, values }, act) {
  const open = el("button", { type: "button", class: "open", onclick: act.open }, el("b", {}, name), described(values));
  const [rename, remove] = [
    ["searches.rename", icons.pen],
    ["searches.delete", icons.cross],
  ].map(([word, path]) => {
    const button = el("button", { type: "button", class: "small" }, icon(path));
    button.title = t(word, { name });
    button.setAttribute("aria-label", button.title);
    return button;
  });
  const row = el("li", {}, open, rename, remove);
  remove.addEventListener("click", act.remove);
  rename.addEventListener("click", () => {
    const typed = el("input", { type: "text", maxlength: 60, value: name, "aria-label": t("searches.name") }),
      form = el("form", {}, typed, el("button", { type: "submit" }, t("preset.ok")));
    form.addEventListener("submit", (event) => [event.preventDefault(), act.rename(typed.value)]);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // the dialog stays
      event.stopPropagation();
      row.replaceChildren(open, rename, remove);
    });
    row.replaceChildren(form);
    typed.select();
  });
  return row;
}
