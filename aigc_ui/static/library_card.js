// One model of the list: what it is, where it is, and what can be done with it.
import { useLora } from "./addons.js";
import { el } from "./dom.js";
import { api, post, url } from "./http.js";
import { say } from "./message.js";
import { openRoom } from "./rooms.js";
import { remark } from "./sentences.js";
import { applySettings } from "./wire.js";
import { has, t } from "./words.js";

const NO_KIND = "a model of no known kind"; // as the library says it
/**
 * @typedef {import("./types.d.ts").ModelEntry} Entry
 * @typedef {import("./types.d.ts").Shelf} Shelf
 * @typedef {(one: Entry) => void} Draw a card anew
 */

/** @param {number} bytes */
export const units = (bytes) =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(2)} GB`
    : bytes >= 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${Math.ceil(bytes / 1e3)} kB`;
/** @param {string} name */
export const kind = (name) => (has(`kind.${name}`) ? t(`kind.${name}`) : name);
/** @param {string} name */
export const base = (name) => {
  if (name === NO_KIND) return t("library.no-base");
  return name?.endsWith("Pipeline") ? t("library.bridged", { pipeline: name }) : name;
};

/** @param {Entry} entry @param {Shelf} shelf */
export function createCard(entry, shelf) {
  const node = el("details", { class: "model", "data-id": entry.id });
  /** @type {Draw} */
  const draw = (one) => node.replaceChildren(summary(one), ...(node.open ? [inside(one, draw, shelf)] : []));
  node.addEventListener("toggle", () => draw(entry));
  draw(entry);
  return node;
}

/** @param {Entry} one */
function summary(one) {
  const picture = one.preview
    ? el("img", { src: url(`library/${one.id}/preview`), alt: "", loading: "lazy" })
    : el("span", { class: "blank" }, one.name.slice(0, 1).toUpperCase());
  const facts = [
    kind(one.kind),
    one.kind === "unknown" ? one.format : base(one.base),
    one.variant,
    one.few_steps,
  ].filter(Boolean);
  return el(
    "summary",
    {},
    picture,
    el("span", { class: "title" }, el("b", {}, one.label), el("span", { class: "facts" }, facts.join(" · "))),
    one.in_memory
      ? el("span", { class: "badge on" }, t("library.memory", { device: one.in_memory_of, size: units(one.in_memory) }))
      : null,
    one.unusable
      ? el("span", { class: "badge off" }, t(one.convert_as ? "library.first" : "library.unusable"))
      : el("span", { class: "badge" }, units(one.size)),
  );
}

/** What an opened card says and offers. @param {Entry} one @param {Draw} draw @param {Shelf} shelf */
function inside(one, draw, shelf) {
  const table = el(
    "table",
    {},
    el(
      "tbody",
      {},
      ...factsOf(one).map(([name, value]) =>
        el("tr", {}, el("th", { scope: "row" }, t(`library.${name}`)), el("td", {}, String(value))),
      ),
    ),
  );
  return el(
    "div",
    { class: "inside" },
    one.unusable ? el("p", { class: "alas" }, remark(one.unusable)) : null,
    table,
    one.description ? el("p", { class: "description" }, one.description) : null,
    one.trigger_words.length ? triggers(one, shelf) : null,
    notes(one, shelf),
    ...(one.convert_as && shelf.catalogue().changes
      ? shelf.job(`convert-${one.id}`, "convert", () => ({ source: one.convert_as })).nodes
      : []),
    buttons(one, draw, shelf),
  );
}
/** What is known of a model. @param {Entry} one @returns {[string, string | number][]} */
function factsOf(one) {
  const { prediction_type: prediction, hash } = one;
  const assumed = one.prediction_known_from === "assumed" ? t("library.assumed", { what: prediction }) : prediction;
  const hashed = one.kind === "lora" ? `${hash} / ${one.payload_hash}` : hash;
  const later = one.format === "safetensors" ? t("library.hash-later") : "";
  /** @type {[string, string | number][]} */
  const facts = [
    ["called", one.usable_as === one.label ? "" : one.usable_as],
    ["size", units(one.size)],
    ["place", one.place],
    ["dtype", one.dtype],
    ["prediction", prediction && assumed],
    ["rank", one.rank || ""],
    ["author", one.author],
    ["licence", one.licence],
    ["hash", hash ? hashed : later],
  ];
  return facts.filter(([, value]) => value);
}

/** @param {Entry} one @param {Shelf} shelf */
function triggers(one, { doing }) {
  const said = el("span", { class: "help", role: "status" });
  const copy = (/** @type {string} */ word) =>
    doing(async () => {
      await navigator.clipboard.writeText(word);
      said.textContent = t("library.copied");
    });
  return el(
    "div",
    { class: "triggers" },
    el("p", { class: "help" }, t("library.triggers")),
    ...one.trigger_words.map((word) => el("button", { type: "button", class: "chip", onclick: copy(word) }, word)),
    said,
  );
}

/** @param {Entry} one @param {Shelf} shelf */
function notes(one, { catalogue, doing }) {
  const said = el("span", { class: "help", role: "status" });
  const box = el("textarea", {
    rows: 2,
    "aria-label": t("library.notes"),
    placeholder: t("library.notes"),
    disabled: !catalogue().changes,
  });
  box.value = one.notes;
  box.addEventListener(
    "change",
    doing(async () => {
      one.notes = (await post(`library/${one.id}/notes`, { notes: box.value })).notes;
      said.textContent = t("library.kept");
    }),
  );
  return el("div", { class: "notes" }, box, said);
}

/** @param {Entry} one @param {Draw} draw @param {Shelf} shelf */
function buttons(one, draw, shelf) {
  const { changes } = shelf.catalogue(),
    row = el("div", { class: "buttons" });
  /** @param {string} name @param {() => Promise<unknown>} work */
  const act = (name, work) =>
    row.append(el("button", { type: "button", onclick: shelf.doing(work) }, t(`library.${name}`)));
  /** @param {boolean} disabled */
  const still = (disabled) => {
    for (const button of row.querySelectorAll("button")) button.disabled = disabled;
  };
  const paints = one.usable_as && ["pipeline", "checkpoint", "denoiser"].includes(one.kind);
  if (paints) act("use", () => use(one));
  if (one.kind === "lora" && one.usable_as) act("use", () => wear(one));
  if (changes && paints && !one.in_memory)
    act("load", async () => {
      still(true);
      try {
        draw(Object.assign(one, await post(`library/${one.id}/load`, {})));
      } finally {
        still(false);
      }
    });
  if (changes && one.in_memory)
    act("unload", async () => draw(Object.assign(one, await post(`library/${one.id}/unload`, {}))));
  if (changes && one.removable) act("remove", removing(one, shelf));
  return row;
}
/** @param {Entry} one */
async function use(one) {
  applySettings(await api(`library/${one.id}/settings`));
  openRoom("create");
  say("good", t("library.used", { name: one.label }));
}
/** @param {Entry} one */
async function wear(one) {
  useLora(one.usable_as);
  openRoom("create");
  say("good", t("library.worn", { name: one.label }));
}
/** What other programs may use too is removed only when it was asked for twice. @param {Entry} one @param {Shelf} shelf */
function removing(one, { ask, warn }) {
  let sure = one.whose !== "other";
  return async () => {
    if (!sure) {
      sure = true;
      return warn(t("library.confirm"));
    }
    await api(`library/${one.id}?confirmed=true`, { method: "DELETE" });
    await ask();
  };
}
