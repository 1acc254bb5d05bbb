// LoRAs: chips of those that are here, and the way from the list of models into the prompt.
import { box, el, put } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { nameOf, partsOf, quoted } from "./lora_field.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

const WEIGHT = 0.8; // what most LoRAs are tried with first

let used = ""; // what the field of LoRAs holds: "ink lines:0.8, fog"
let showChips = () => {};
on("loras", (text) => {
  used = text ?? "";
  showChips();
});

const parts = () => partsOf(used);
/** @param {string} name */
function toggle(name) {
  const kept = parts().filter((part) => nameOf(part) !== name);
  if (kept.length === parts().length) kept.push(`${quoted(name)}:${WEIGHT}`);
  put("loras", kept.join(", "));
}

/**
 * From the list of models: into the prompt, which is there also while the add-ons are folded up.
 * @param {string} name
 */
export function useLora(name) {
  const prompt = (box("prompt")?.value ?? "").trimEnd();
  if (!prompt.includes(`<lora:${name}:`)) put("prompt", `${prompt} <lora:${name}:${WEIGHT}>`.trimStart());
}

/** @param {string[]} names */
function chips(names) {
  const buttons = names.map((name) => el("button", { type: "button", onclick: () => toggle(name) }, name));
  const node = el("div", { class: "chips", role: "group" }, ...buttons);
  const show = () => {
    node.setAttribute("aria-label", t("addons.loras"));
    const here = new Set(parts().map(nameOf));
    buttons.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(here.has(names[i])));
      button.title = t(here.has(names[i]) ? "addons.drop" : "addons.insert", { name: names[i] });
    });
  };
  return { node, show };
}

/** @param {HTMLElement} root */
export async function mountLoraChips(root) {
  /** @type {string[]} */
  let names;
  try {
    names = (await api("addons")).loras;
  } catch (error) {
    return complain(wording(error));
  }
  if (!names.length) return;
  const list = chips(names);
  showChips = list.show;
  on("language", list.show);
  list.show();
  root.replaceChildren(el("section", { id: "addons-panel" }, list.node));
}
