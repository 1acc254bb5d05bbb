// Settings under a name, kept by the studio: applied, saved, renamed, deleted.
import { el, icon, icons } from "./dom.js";
import { on } from "./events.js";
import { branchFields, defaults, inGroup } from "./fields.js";
import { api, listed, post } from "./http.js";
import { complain, say } from "./message.js";
import { wording } from "./sentences.js";
import { settingsNow, settingsUnchanged } from "./settings_now.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/** @typedef {{ name: string, values: import("./fields.js").Settings }} Preset */

/** Model, style and the settings of all groups: how pictures are made, not which one. */
function kept() {
  const ofOnePicture = ["seed", ...Object.keys(branchFields(defaults()))];
  const groups = ["basics", "quality", "expert"].flatMap(inGroup);
  return ["model", "style", "count", "loras", ...groups].filter((name) => !ofOnePicture.includes(name));
}

function createParts() {
  const choose = el("select", { id: "preset-choose" });
  const save = el("button", { type: "button", id: "preset-save" }),
    [rename, remove] = [
      ["rename", icons.pen],
      ["delete", icons.cross],
    ].map(([which, path]) => el("button", { type: "button", id: `preset-${which}`, class: "small" }, icon(path)));
  const name = el("input", { type: "text", id: "preset-name", maxlength: 60, autocomplete: "off", required: true }),
    ok = el("button", { type: "submit" }),
    cancel = el("button", { type: "button", id: "preset-cancel" });
  const form = el("form", { hidden: true }, name, ok, cancel);
  const row = el("div", { class: "row" }, choose, rename, remove, save);
  return { choose, save, rename, remove, name, ok, cancel, form, row };
}

/** @param {HTMLElement} root */
export function mountPresets(root) {
  const parts = createParts(),
    { choose, save, rename, remove, form, row } = parts,
    type = createNaming(parts);
  root.replaceChildren(el("section", { id: "presets-panel" }, row, form));
  /** @type {Preset[]} */
  let presets = [];
  let chosen = "";

  /** Asks the studio for something, and for the list after it. @param {string} path @param {object} [body] */
  async function ask(path, body) {
    try {
      presets = listed(body ? await post(`presets${path}`, body) : await api("presets"), "presets");
    } catch (error) {
      complain(wording(error));
      return false;
    } finally {
      show();
    }
    return true;
  }
  /** Whether the studio has it under that name now, which is then the chosen one. @param {string} name @param {string} path @param {object} body */
  async function under(name, path, body) {
    if (!(await ask(path, body))) return false;
    chosen = name;
    show();
    choose.focus();
    return true;
  }
  function show() {
    if (!presets.some((one) => one.name === chosen)) chosen = "";
    choose.replaceChildren(
      el("option", { value: "" }, t(presets.length ? "preset.none" : "preset.empty")),
      ...presets.map((one) => el("option", { value: one.name }, one.name)),
    );
    choose.value = chosen;
    choose.disabled = !presets.length;
    rename.hidden = remove.hidden = !chosen;
    speak(parts, chosen);
  }
  choose.addEventListener("change", () => {
    chosen = choose.value;
    const preset = presets.find((one) => one.name === chosen);
    if (preset) applySettings({ ...pick(settingsUnchanged()), ...preset.values }, true);
    show();
  });
  save.addEventListener("click", () => type(chosen, (name) => under(name, "", { name, values: pick(settingsNow()) })));
  rename.addEventListener("click", () => {
    const name = chosen;
    type(name, (to) => under(to, "/rename", { name, to }));
  });
  remove.addEventListener("click", async () => {
    const gone = presets.find((one) => one.name === chosen);
    if (!gone || !(await ask("/delete", { name: gone.name }))) return;
    say("good", () => t("preset.deleted", { name: gone.name }), {
      text: "preset.undo",
      run: () => under(gone.name, "", gone),
    });
    choose.focus();
  });
  on("language", show);
  on("started", () => ask(""));
  if (document.documentElement.dataset.ready) ask(""); // the page may stand before this part of it does
  show();
}

/**
 * A box for a name in the place of the row: it opens with a name, and closes once what is done with the typed one is done.
 * @param {ReturnType<typeof createParts>} parts
 */
function createNaming({ name, form, row, save, cancel }) {
  /** @type {(typed: string) => Promise<boolean>} */
  let act = async () => true;
  /** @param {boolean} open */
  function turn(open) {
    form.hidden = !open;
    row.hidden = open;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await act(name.value.trim().replace(/\s+/g, " "))) turn(false);
  });
  cancel.addEventListener("click", () => turn(false));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // it stops no job
    turn(false);
    save.focus();
  });
  return (/** @type {string} */ now, /** @type {typeof act} */ next) => {
    act = next;
    turn(true);
    name.value = now;
    name.focus();
    name.select();
  };
}

/** Of all values those that a preset keeps. @param {import("./fields.js").Settings} values */
const pick = (values) =>
  Object.fromEntries(kept().flatMap((name) => (values[name] == null ? [] : [[name, values[name]]])));

/** @param {ReturnType<typeof createParts>} parts @param {string} chosen */
function speak({ choose, save, rename, remove, name, ok, cancel }, chosen) {
  choose.setAttribute("aria-label", t("preset"));
  save.textContent = t("preset.save");
  save.title = t("preset.save.help");
  ok.textContent = t("preset.ok");
  cancel.textContent = t("preset.cancel");
  name.placeholder = t("preset.name");
  name.setAttribute("aria-label", t("preset.name"));
  for (const [button, key] of /** @type {const} */ ([
    [rename, "preset.rename"],
    [remove, "preset.delete"],
  ])) {
    button.title = t(key, { name: chosen });
    button.setAttribute("aria-label", button.title);
  }
}
