// Add-ons: chips of the LoRAs that are here, the picture that a ControlNet follows, as it will be seen, and the one that
// an IP-Adapter follows.
import { box, el, icon, put } from "./dom.js";
import { on } from "./events.js";
import { api, blob, posted, upload, url } from "./http.js";
import { complain } from "./message.js";
import { drawLines } from "./start.js";
import { newest } from "./turns.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

const CROSS = "M4 4l8 8M12 4l-8 8";
const NO_NETWORK = "none";
const WEIGHT = 0.8; // what most LoRAs are tried with first

let renderChips = () => {};

const field = () => box("loras");
const parts = () =>
  (field()?.value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
const named = (part) => part.split(":")[0].trim();
function toggle(name) {
  const kept = parts().filter((part) => named(part) !== name);
  if (kept.length === parts().length) kept.push(`${name}:${WEIGHT}`);
  put("loras", kept.join(", "));
  renderChips();
}
document.addEventListener("input", (event) => {
  if (event.target === field()) renderChips();
});

// From the list of models: into the prompt, which is there also while the add-ons are folded up.
export function useLora(name) {
  const prompt = box("prompt").value.trimEnd();
  if (!prompt.includes(`<lora:${name}:`)) put("prompt", `${prompt} <lora:${name}:${WEIGHT}>`.trimStart());
}

function chips(names) {
  const list = el("div", { class: "chips", role: "group" });
  const buttons = names.map((name) => el("button", { type: "button", onclick: () => toggle(name) }, name));
  list.append(...buttons);
  const show = () => {
    list.setAttribute("aria-label", t("addons.loras"));
    const used = new Set(parts().map(named));
    buttons.forEach((button, i) => {
      button.setAttribute("aria-pressed", used.has(names[i]));
      button.title = t(used.has(names[i]) ? "addons.drop" : "addons.insert", { name: names[i] });
    });
  };
  return { node: list, show };
}

function createParts(id, also) {
  const choose = el("input", { type: "file", accept: "image/*", id: `${id}-file`, class: "picture-file" });
  const name = el("b"),
    how = el("span", { class: "help" }),
    alas = el("p", { class: "alas", role: "alert" });
  const drop = el("label", { class: "drop" }, choose, name, how);
  const image = el("img", { id: `${id}-seen`, alt: "" }),
    heading = el("b");
  const remove = el("button", { type: "button", id: `${id}-remove`, class: "small" }, icon(CROSS));
  const bare = el("div", { class: "bare" }, drop, ...also.bare);
  const chosen = el("div", { class: "chosen" }, image, el("div", { class: "side" }, heading, ...also.side), remove);
  const node = el("div", { class: "control takes-picture" }, bare, chosen, ...also.under, alas);
  return { choose, name, how, alas, image, heading, remove, bare, chosen, node };
}
// A picture that is followed: chosen or dropped, kept in a field, shown as `look` makes it of its id. It brings the
// network that reads it, where only one is installed, and takes it away. `also` are nodes beside the place to drop it,
// beside the picture and below, and what changes with it.
/** @param {Record<string, any>} followed */
function followed({
  id,
  setting,
  words,
  look,
  network,
  installed,
  also = { bare: [], side: [], under: [], show() {} },
}) {
  let picture = "",
    gone = false,
    busy = false,
    turn = 0;
  const { choose, name, how, alas, image, heading, remove, bare, chosen, node } = createParts(id, also);
  remove.addEventListener("click", takeAway);
  choose.addEventListener("change", () => {
    if (choose.files[0]) bring(choose.files[0]);
    choose.value = "";
  });
  node.addEventListener("picture", ({ detail: file }) => bring(file));

  const ask = newest(async (_) => {
    const mine = ++turn,
      asked = picture;
    if (!asked) return;
    try {
      const seen = await look(asked);
      if (!seen || mine !== turn || asked !== picture) return;
      const old = image.src;
      image.src = URL.createObjectURL(seen);
      if (old) URL.revokeObjectURL(old);
    } catch {
      complain(t("error.server"));
    }
  });
  const see = () => ask({});
  function set(next, missing = false) {
    picture = next;
    gone = missing;
    put(`${id}-image`, next);
    show();
    see();
  }
  async function bring(file) {
    busy = true;
    show();
    try {
      set((await upload(file)).id);
      if (installed.length === 1) applySettings({ [network]: installed[0] }, true);
    } catch (error) {
      complain(error.message);
    }
    busy = false;
    show();
  }
  function takeAway() {
    set("");
    applySettings({ [network]: NO_NETWORK }, true);
    choose.focus();
  }
  // What a recipe followed, as far as the studio still has it.
  on("settings", async (settings) => {
    const asked = settings[setting];
    if (asked === undefined || asked === picture) return;
    const found = asked && (await kept(asked, { cache: "no-cache" }));
    set(found ? asked : "", Boolean(asked) && !found);
  });
  function show() {
    bare.hidden = Boolean(picture);
    chosen.hidden = !picture;
    alas.hidden = !gone;
    name.textContent = t(words.picture);
    how.textContent = t(busy ? "control.busy" : words.how);
    heading.textContent = image.alt = t(words.seen);
    alas.textContent = t(words.gone);
    remove.title = t(words.remove);
    remove.setAttribute("aria-label", t(words.remove));
    also.show(picture);
  }
  on("language", show);
  show();
  return {
    node,
    see,
    set,
    bring,
    get picture() {
      return picture;
    },
  };
}
const kept = (id, options) => blob(`inputs/${encodeURIComponent(id)}.png`, options);

function controlPicture(installed) {
  let size = {},
    drawn = "";
  const pen = el("button", { type: "button", id: "control-draw", onclick: draw });
  const redraw = el("button", { type: "button", id: "control-redraw", onclick: draw });
  const hint = el("p", { class: "help" });
  const control = followed({
    id: "control",
    setting: "control_image",
    network: "control_model",
    installed,
    words: {
      picture: "control.picture",
      how: "control.how",
      seen: "control.seen",
      gone: "control.gone",
      remove: "control.remove",
    },
    look: async (id) => {
      const answer = await fetch(url("addons/seen.png"), {
        credentials: "same-origin",
        ...posted({ control_image: id, ...size }),
      });
      return answer.ok && answer.blob();
    },
    also: {
      bare: [pen],
      side: [redraw],
      under: [hint],
      show(picture) {
        pen.textContent = t("scribble.draw");
        redraw.textContent = t("scribble.edit");
        redraw.hidden = picture !== drawn;
        hint.textContent = t("control.hint");
      },
    },
  });
  // Lines by hand, white on black as ControlNets for scribbles learned them; those drawn last are gone on with.
  async function draw() {
    const before = control.picture && control.picture === drawn ? await kept(drawn) : null;
    const lines = await drawLines(before);
    if (lines === before) return;
    if (!lines) return control.set("");
    await control.bring(lines);
    drawn = control.picture;
    redraw.hidden = false;
    applySettings({ control_type: "plain" });
  }
  on("control", (values) => {
    size = values;
    control.see();
  });
  return control.node;
}

export async function mountAddons(root) {
  let here;
  try {
    here = await api("addons");
  } catch (error) {
    complain(error.message);
    return;
  }
  const shown = [];
  if (here.loras.length) {
    const list = chips(here.loras);
    renderChips = list.show;
    shown.push(list.node);
    on("language", () => renderChips());
    on("settings", () => setTimeout(() => renderChips(), 300)); // Gradio puts the value in its box a moment later
    renderChips();
  }
  if (here.controls.length) shown.push(controlPicture(here.controls));
  root.replaceChildren(el("section", { id: "addons-panel" }, ...shown));
}
export async function mountReference(root) {
  const { ip_adapters: installed } = await api("addons").catch(() => ({ ip_adapters: [] }));
  const reference = followed({
    id: "reference",
    setting: "ip_image",
    network: "ip_model",
    installed,
    look: kept,
    words: {
      picture: "reference.picture",
      how: "reference.how",
      seen: "reference.picture",
      gone: "reference.gone",
      remove: "reference.remove",
    },
  });
  root.replaceChildren(el("section", { id: "reference-panel" }, reference.node));
}
