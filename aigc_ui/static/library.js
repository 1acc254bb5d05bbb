// The models' tab: a list that is searched, and asked for page by page.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
import { api, post } from "./http.js";
import { base, createCard, kind } from "./library_card.js";
import { createHub } from "./library_hub.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").Catalogue} Catalogue
 * @typedef {import("./types.d.ts").Shelf} Shelf
 */

const PAGE = 60;

/** @param {HTMLElement} root */
export function mountLibrary(root) {
  /** @type {Catalogue | null} */
  let catalogue = null;
  /** @type {Catalogue["entries"]} all that were fetched so far */
  let entries = [];
  let asking = 0;
  const message = createMessage(),
    { doing } = message;
  const scan = doing(async () => {
    await post("library/scan", {});
    await ask();
  });
  /** @type {Shelf} */
  const shelf = {
    catalogue: () => /** @type {Catalogue} */ (catalogue), // cards are drawn of one only
    doing,
    ask,
    job: (id, generator, request) => createScanJob(id, generator, request, scan),
    warn: message.warn,
  };
  const find = createFind(
    doing(() => ask()),
    scan,
  );
  const list = createList(
    shelf,
    doing(() => ask(entries.length)),
  );
  const hub = createHub(shelf);
  root.replaceChildren(el("div", { class: "library" }, find.node, message.node, ...list.nodes, hub.node));

  async function ask(offset = 0) {
    const mine = ++asking;
    const query = new URLSearchParams({ ...find.wanted(), offset: String(offset), limit: String(PAGE) });
    /** @type {Catalogue} */
    const answer = await api(`library?${query}`);
    if (mine !== asking) return; // a newer question is on its way
    catalogue = answer;
    entries = offset ? [...entries, ...answer.entries] : answer.entries;
    render(answer, offset);
  }
  /** @param {Catalogue} present @param {number} from which entry on they are new */
  function render(present, from = 0) {
    find.fill(present);
    list.show(present, entries, from);
    hub.node.hidden = !present.changes;
    words();
  }
  function words() {
    hub.say();
    find.say();
    list.say(catalogue);
  }
  on("language", () => (catalogue ? render(catalogue) : words()));
  on("sentences", () => catalogue && render(catalogue));
  words();
  doing(() => ask())();
}

/** What went wrong; `doing(work)` is work that says so. */
function createMessage() {
  const node = el("p", { class: "alas", role: "alert", hidden: true });
  /** @param {string} text */
  function warn(text) {
    node.hidden = !text;
    node.textContent = text;
  }
  /** @type {Shelf["doing"]} */
  const doing = (work) => async () => {
    try {
      warn("");
      await work();
    } catch (error) {
      warn(/** @type {Error} */ (error).message);
    }
  };
  return { node, warn, doing };
}

/** What is searched for. @param {() => void} ask @param {() => void} scan */
function createFind(ask, scan) {
  const search = el("input", { type: "search", id: "library-search", autocomplete: "off" });
  const kinds = el("select", { id: "library-kind", onchange: ask }),
    bases = el("select", { id: "library-base", onchange: ask }),
    again = el("button", { type: "button", id: "library-scan", onclick: scan });
  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(ask, 200);
  });
  return {
    node: el("div", { class: "find" }, search, kinds, bases, again),
    wanted: () => ({ search: search.value, kind: kinds.value, architecture: bases.value }),
    /** @param {Catalogue} catalogue */
    fill: (catalogue) => {
      const sum = Object.values(catalogue.kinds).reduce((a, b) => a + b, 0);
      kinds.setAttribute("aria-label", t("library.kinds"));
      bases.setAttribute("aria-label", t("library.bases"));
      options(kinds, t("library.every-kind", { count: sum }), catalogue.kinds, kind);
      options(bases, t("library.every-base"), catalogue.architectures, (key) => base(catalogue.bases[key]));
      again.hidden = !catalogue.changes;
    },
    say: () => {
      search.placeholder = t("library.search");
      search.setAttribute("aria-label", t("library.search"));
      again.textContent = t("library.scan");
    },
  };
}

/** The models, how many there are, and what was removed and can come back. @param {Shelf} shelf @param {() => void} further */
function createList(shelf, further) {
  const count = el("p", { class: "help", role: "status", "aria-live": "polite" }),
    notice = el("p", { class: "help", hidden: true });
  const undo = el("div", { class: "undo" }),
    list = el("div", { class: "models" });
  const more = el("button", { type: "button", id: "library-more", hidden: true, onclick: further }),
    where = el("p", { class: "help" });
  return {
    nodes: [notice, undo, count, list, more, where],
    /** @param {Catalogue} catalogue @param {Catalogue["entries"]} entries @param {number} from which one on they are new */
    show: (catalogue, entries, from) => {
      notice.hidden = !catalogue.notice;
      notice.textContent = catalogue.notice ? t(`library.index-${catalogue.notice}`) : "";
      count.textContent = counted(catalogue, entries.length);
      const cards = entries.slice(from).map((entry) => createCard(entry, shelf));
      if (from) list.append(...cards);
      else list.replaceChildren(...cards);
      more.hidden = entries.length >= catalogue.total;
      undo.replaceChildren(...catalogue.removed.map((one) => undoButton(one, shelf)));
    },
    /** @param {Catalogue | null} catalogue */
    say: (catalogue) => {
      more.textContent = t("library.more");
      where.textContent = t(catalogue && !catalogue.changes ? "classroom.no-changes" : "library.where");
    },
  };
}
/** @param {Catalogue} catalogue @param {number} shown */
function counted({ total, to_hash: left }, shown) {
  const hashing = left ? ` · ${t("library.hashing", { left })}` : "";
  return total ? t("library.count", { shown, total }) + hashing : t("library.none");
}
/** @param {Catalogue["removed"][number]} one @param {Shelf} shelf */
function undoButton({ id, name }, { doing, ask }) {
  const restore = doing(async () => {
    await post(`library/${id}/restore`, {});
    await ask();
  });
  return el("button", { type: "button", onclick: restore }, t("library.undo", { name }));
}

/**
 * @param {HTMLSelectElement} select @param {string} first @param {Record<string, number>} counts
 * @param {(key: string) => string} name
 */
function options(select, first, counts, name) {
  const chosen = select.value;
  select.replaceChildren(
    el("option", { value: "" }, first),
    ...Object.entries(counts).map(([key, n]) => el("option", { value: key }, `${name(key)} (${n})`)),
  );
  select.value = chosen in counts ? chosen : "";
}

/**
 * A job whose progress stands beside its button, and after which the folders are looked through again.
 * @param {string} id @param {string} generator @param {() => object} request @param {() => void} scan
 */
function createScanJob(id, generator, request, scan) {
  const runner = createRunner(id, {
    generator,
    request,
    word: `library.${generator}`,
    begun() {},
    heard: {
      progress: (/** @type {import("./engine.d.ts").Progress} */ { stage, done, total }) => {
        runner.status.textContent = t(`stage.${stage}`) + (total ? ` ${Math.round((100 * done) / total)} %` : "");
      },
      end: (/** @type {string} */ state) => {
        if (state !== "done") return;
        runner.status.textContent = "";
        scan();
      },
    },
  });
  return runner;
}
