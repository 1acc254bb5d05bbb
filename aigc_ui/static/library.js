// The models' tab: a list that is asked for page by page, and for each model what it is, where it is, what can be done.
import { useLora } from "./addons.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
import { api, post, url } from "./http.js";
import { openRoom } from "./rooms.js";
import { say } from "./message.js";
import { applySettings } from "./wire.js";
import { has, t } from "./words.js";

const PAGE = 60;
const NO_KIND = "a model of no known kind";  // as the library says it
const units = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`);
const kind = (name) => (has(`kind.${name}`) ? t(`kind.${name}`) : name);

export function mountLibrary(root) {
  let entries = [], told = null, device = "", asking = 0;
  const search = el("input", { type: "search", id: "library-search", autocomplete: "off" });
  const kinds = el("select", { id: "library-kind" }), bases = el("select", { id: "library-base" });
  const again = el("button", { type: "button", id: "library-scan" });
  const count = el("p", { class: "help", role: "status", "aria-live": "polite" });
  const message = el("p", { class: "alas", role: "alert", hidden: true });
  const notice = el("p", { class: "help", hidden: true });
  const undo = el("div", { class: "undo" }), list = el("div", { class: "models" });
  const more = el("button", { type: "button", id: "library-more", hidden: true });
  const where = el("p", { class: "help" });
  const complain = (error) => { message.hidden = !error; message.textContent = error ? error.message : ""; };
  const doing = (work) => async () => { try { complain(null); await work(); } catch (error) { complain(error); } };
  const hub = fromHub();
  root.replaceChildren(el("div", { class: "library" },
    el("div", { class: "find" }, search, kinds, bases, again), message, notice, undo, count, list, more, where, hub.node));

  async function ask(offset = 0) {
    const mine = ++asking;
    const query = new URLSearchParams({ search: search.value, kind: kinds.value, architecture: bases.value, offset: String(offset), limit: String(PAGE) });
    const answer = await api(`library?${query}`);
    if (mine !== asking) return;  // a newer question is on its way
    told = answer;
    device = answer.device;
    entries = offset ? [...entries, ...answer.entries] : answer.entries;
    render(offset);
  }

  function options(select, first, counts, name) {
    const chosen = select.value;
    select.replaceChildren(el("option", { value: "" }, first),
      ...Object.entries(counts).map(([key, n]) => el("option", { value: key }, `${name(key)} (${n})`)));
    select.value = chosen in counts ? chosen : "";
  }

  function render(from = 0) {
    const sum = Object.values(told.kinds).reduce((a, b) => a + b, 0);
    options(kinds, t("library.every-kind", { count: sum }), told.kinds, kind);
    options(bases, t("library.every-base"), told.architectures, (key) => base(told.bases[key]));
    const hashing = told.to_hash ? ` · ${t("library.hashing", { left: told.to_hash })}` : "";
    notice.hidden = !told.notice;
    notice.textContent = told.notice ? t(`library.index-${told.notice}`) : "";
    count.textContent = told.total ? t("library.count", { shown: entries.length, total: told.total }) + hashing : t("library.none");
    const made = entries.slice(from).map(card);
    if (from) list.append(...made); else list.replaceChildren(...made);
    more.hidden = entries.length >= told.total;
    hub.node.hidden = again.hidden = !told.changes;
    undo.replaceChildren(...told.removed.map(({ id, name }) => el("button", { type: "button", onclick: doing(async () => {
      await post(`library/${id}/restore`, {});
      await ask();
    }) }, t("library.undo", { name }))));
    words();
  }

  // A job whose progress stands beside its button, and after which the folders are looked through again.
  function job(id, generator, request) {
    const made = createRunner(id, { generator, request, word: `library.${generator}`, begun() {}, heard: {
      progress: ({ stage, done, total }) => { made.status.textContent = t(`stage.${stage}`) + (total ? ` ${Math.round((100 * done) / total)} %` : ""); },
      end: (state) => { if (state === "done") { made.status.textContent = ""; doing(async () => { await post("library/scan", {}); await ask(); })(); } },
    } });
    return made;
  }

  function fromHub() {
    const title = el("summary"), help = el("p", { class: "help" }), seen = el("p", { class: "help", role: "status" });
    const repo = el("input", { id: "hub-repo", autocomplete: "off" }), file = el("input", { id: "hub-file", autocomplete: "off" });
    const look = el("button", { type: "button", id: "hub-look" });
    const asked = () => ({ repo: repo.value.trim(), file: file.value.trim() });
    const fetching = job("library-download", "download", asked);
    look.addEventListener("click", doing(async () => {
      seen.textContent = "";
      const { size, licence } = await post("hub/look", asked());
      seen.textContent = t("library.seen", { size: units(size), licence: licence || t("library.unsaid") });
    }));
    const say = () => {
      title.textContent = t("library.hub");
      help.textContent = t("library.hub-help");
      look.textContent = t("library.look");
      for (const [box, key] of [[repo, "library.repo"], [file, "library.file"]]) { box.placeholder = t(key); box.setAttribute("aria-label", t(key)); }
    };
    say();
    return { say, node: el("details", { class: "hub" }, title, help, el("div", { class: "find" }, repo, file, look), seen, ...fetching.nodes) };
  }

  function words() {
    hub.say();
    search.placeholder = t("library.search");
    search.setAttribute("aria-label", t("library.search"));
    again.textContent = t("library.scan");
    more.textContent = t("library.more");
    where.textContent = t(told && !told.changes ? "classroom.no-changes" : "library.where");
  }

  function card(entry) {
    const node = el("details", { class: "model", "data-id": entry.id });
    const draw = (one) => node.replaceChildren(summary(one), ...(node.open ? [inside(one, draw)] : []));
    node.addEventListener("toggle", () => draw(entry));
    draw(entry);
    return node;
  }

  const base = (name) => {
    if (name === NO_KIND) return t("library.no-base");
    return name?.endsWith("Pipeline") ? t("library.bridged", { pipeline: name }) : name;
  };
  function summary(one) {
    const picture = one.preview
      ? el("img", { src: url(`library/${one.id}/preview`), alt: "", loading: "lazy" }) : el("span", { class: "blank" }, one.name.slice(0, 1).toUpperCase());
    const facts = [kind(one.kind), one.kind === "unknown" ? one.format : base(one.base), one.variant, one.few_steps].filter(Boolean);
    return el("summary", {}, picture,
      el("span", { class: "title" }, el("b", {}, one.label), el("span", { class: "facts" }, facts.join(" · "))),
      one.in_memory ? el("span", { class: "badge on" }, t("library.memory", { device, size: units(one.in_memory) })) : null,
      one.unusable ? el("span", { class: "badge off" }, t(one.convert_as ? "library.first" : "library.unusable")) : el("span", { class: "badge" }, units(one.size)));
  }

  function inside(one, draw) {
    const assumed = one.prediction_known_from === "assumed";
    const rows = [
      ["size", units(one.size)], ["place", one.place], ["dtype", one.dtype],
      ["prediction", one.prediction_type && (assumed ? t("library.assumed", { what: one.prediction_type }) : one.prediction_type)],
      ["rank", one.rank || ""], ["author", one.author], ["licence", one.licence],
      ["hash", one.hash ? `${one.hash}${one.kind === "lora" ? ` / ${one.payload_hash}` : ""}` : one.format === "safetensors" ? t("library.hash-later") : ""],
    ].filter(([, value]) => value);
    const table = el("table", {}, el("tbody", {}, ...rows.map(([name, value]) =>
      el("tr", {}, el("th", { scope: "row" }, t(`library.${name}`)), el("td", {}, String(value))))));
    return el("div", { class: "inside" },
      one.unusable ? el("p", { class: "alas" }, one.unusable) : null,
      table,
      one.description ? el("p", { class: "description" }, one.description) : null,
      one.trigger_words.length ? triggers(one) : null,
      notes(one),
      ...(one.convert_as && told.changes ? job(`convert-${one.id}`, "convert", () => ({ source: one.convert_as })).nodes : []),
      buttons(one, draw));
  }

  function triggers(one) {
    const said = el("span", { class: "help", role: "status" });
    const copy = (word) => doing(async () => { await navigator.clipboard.writeText(word); said.textContent = t("library.copied"); });
    return el("div", { class: "triggers" }, el("p", { class: "help" }, t("library.triggers")),
      ...one.trigger_words.map((word) => el("button", { type: "button", class: "chip", onclick: copy(word) }, word)), said);
  }

  function notes(one) {
    const said = el("span", { class: "help", role: "status" });
    const box = el("textarea", { rows: 2, "aria-label": t("library.notes"), placeholder: t("library.notes"), disabled: !told.changes });
    box.value = one.notes;
    box.addEventListener("change", doing(async () => {
      one.notes = (await post(`library/${one.id}/notes`, { notes: box.value })).notes;
      said.textContent = t("library.kept");
    }));
    return el("div", { class: "notes" }, box, said);
  }

  function buttons(one, draw) {
    const row = el("div", { class: "buttons" });
    const act = (name, work, attributes = {}) => row.append(el("button", { type: "button", onclick: doing(work), ...attributes }, t(`library.${name}`)));
    if (one.usable_as) act("use", async () => {
      applySettings(await api(`library/${one.id}/settings`));
      openRoom("create");
      say("good", t("library.used", { name: one.label }));
    });
    if (one.kind === "lora" && !one.unusable) act("use", async () => {
      useLora(one.name);
      openRoom("create");
      say("good", t("library.worn", { name: one.label }));
    });
    if (told.changes && one.usable_as && !one.in_memory) act("load", async () => {
      row.querySelectorAll("button").forEach((button) => { button.disabled = true; });
      try { draw(Object.assign(one, await post(`library/${one.id}/load`, {}))); } finally { row.querySelectorAll("button").forEach((button) => { button.disabled = false; }); }
    });
    if (told.changes && one.in_memory) act("unload", async () => draw(Object.assign(one, await post(`library/${one.id}/unload`, {}))));
    if (told.changes && one.removable) {
      let sure = one.whose !== "other";
      act("remove", async () => {
        if (!sure) { sure = true; message.hidden = false; message.textContent = t("library.confirm"); return; }
        await api(`library/${one.id}?confirmed=true`, { method: "DELETE" });
        await ask();
      });
    }
    return row;
  }

  let pause = 0;
  search.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(doing(ask), 200); });
  kinds.addEventListener("change", doing(() => ask()));
  bases.addEventListener("change", doing(() => ask()));
  more.addEventListener("click", doing(() => ask(entries.length)));
  again.addEventListener("click", doing(async () => { await post("library/scan", {}); await ask(); }));
  on("language", () => (told ? render() : words()));
  words();
  doing(() => ask())();
}
