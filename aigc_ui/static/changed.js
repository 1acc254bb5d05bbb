// Below each group of settings, in one line: what was changed in it, and a button that takes that back.
import { el } from "./dom.js";
import { on } from "./events.js";
import { inGroup, same } from "./fields.js";
import { named, valued } from "./recipe_rows.js";
import { settingsNow, settingsUnchanged } from "./settings_now.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/** The fields of a group that are not as they are where nobody changes anything. @param {string} group */
function changedIn(group) {
  const now = settingsNow(),
    before = settingsUnchanged();
  return inGroup(group).filter((name) => now[name] != null && !same(now[name], before[name]));
}
/** @param {string} name */
function said(name) {
  const value = valued(name, settingsNow()[name]);
  return typeof value === "string" ? `${named(name)} ${value}` : named(name);
}

/** @param {HTMLElement} root @param {string} group */
export function mountChanged(root, group) {
  const words = el("span"),
    reset = el("button", { type: "button", id: `reset-${group}`, onclick: () => back() });
  const line = el("p", { class: "changed", hidden: true }, words, reset);
  root.replaceChildren(line);
  const back = () =>
    applySettings(Object.fromEntries(changedIn(group).map((name) => [name, settingsUnchanged()[name]])), true);
  function render() {
    const changed = changedIn(group);
    line.hidden = !changed.length;
    words.textContent = words.title = changed.map(said).join(" · ");
    reset.textContent = t("group.reset");
    reset.title = t("group.reset.help");
  }
  on("settled", render);
  on("language", render);
  render();
}
