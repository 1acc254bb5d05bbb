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
export const units = (bytes) =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(2)} GB`
    : bytes >= 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${Math.ceil(bytes / 1e3)} kB`;
export const kind = (name) => (has(`kind.${name}`) ? t(`kind.${name}`) : name);
export const base = (name) => {
  if (name === NO_KIND) return t("library.no-base");
  return name?.endsWith("Pipeline") ? t("library.bridged", { pipeline: name }) : name;
};

// `shelf` is what the card belongs to: { told() as the studio answered, doing(work) that says what fails, ask() again,
// job(id, generator, request) beside a button, warn(text) }.
export function createCard(entry, shelf) {
  const node = el("details", { class: "model", "data-id": entry.id });
  const draw = (one) => node.replaceChildren(summary(one, shelf), ...(node.open ? [inside(one, draw, shelf)] : []));
  node.addEventListener("toggle", () => draw(entry));
  draw(entry);
  return node;
}

function summary(one, shelf) {
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
      ? el(
          "span",
          { class: "badge on" },
          t("library.memory", { device: shelf.told().device, size: units(one.in_memory) }),
        )
      : null,
    one.unusable
      ? el("span", { class: "badge off" }, t(one.convert_as ? "library.first" : "library.unusable"))
      : el("span", { class: "badge" }, units(one.size)),
  );
}

function inside(one, draw, shelf) {
  const assumed = one.prediction_known_from === "assumed";
  const rows = [
    ["size", units(one.size)],
    ["place", one.place],
    ["dtype", one.dtype],
    [
      "prediction",
      one.prediction_type && (assumed ? t("library.assumed", { what: one.prediction_type }) : one.prediction_type),
    ],
    ["rank", one.rank || ""],
    ["author", one.author],
    ["licence", one.licence],
    [
      "hash",
      one.hash
        ? `${one.hash}${one.kind === "lora" ? ` / ${one.payload_hash}` : ""}`
        : one.format === "safetensors"
          ? t("library.hash-later")
          : "",
    ],
  ].filter(([, value]) => value);
  const table = el(
    "table",
    {},
    el(
      "tbody",
      {},
      ...rows.map(([name, value]) =>
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
    ...(one.convert_as && shelf.told().changes
      ? shelf.job(`convert-${one.id}`, "convert", () => ({ source: one.convert_as })).nodes
      : []),
    buttons(one, draw, shelf),
  );
}

function triggers(one, { doing }) {
  const said = el("span", { class: "help", role: "status" });
  const copy = (word) =>
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

function notes(one, { told, doing }) {
  const said = el("span", { class: "help", role: "status" });
  const box = el("textarea", {
    rows: 2,
    "aria-label": t("library.notes"),
    placeholder: t("library.notes"),
    disabled: !told().changes,
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

function buttons(one, draw, { told, doing, ask, warn }) {
  const { changes } = told(),
    row = el("div", { class: "buttons" });
  const act = (name, work, attributes = {}) =>
    row.append(el("button", { type: "button", onclick: doing(work), ...attributes }, t(`library.${name}`)));
  if (one.usable_as)
    act("use", async () => {
      applySettings(await api(`library/${one.id}/settings`));
      openRoom("create");
      say("good", t("library.used", { name: one.label }));
    });
  if (one.kind === "lora" && !one.unusable)
    act("use", async () => {
      useLora(one.name);
      openRoom("create");
      say("good", t("library.worn", { name: one.label }));
    });
  if (changes && one.usable_as && !one.in_memory)
    act("load", async () => {
      row.querySelectorAll("button").forEach((button) => {
        button.disabled = true;
      });
      try {
        draw(Object.assign(one, await post(`library/${one.id}/load`, {})));
      } finally {
        row.querySelectorAll("button").forEach((button) => {
          button.disabled = false;
        });
      }
    });
  if (changes && one.in_memory)
    act("unload", async () => draw(Object.assign(one, await post(`library/${one.id}/unload`, {}))));
  if (changes && one.removable) {
    let sure = one.whose !== "other";
    act("remove", async () => {
      if (!sure) {
        sure = true;
        warn(t("library.confirm"));
        return;
      }
      await api(`library/${one.id}?confirmed=true`, { method: "DELETE" });
      await ask();
    });
  }
  return row;
}
