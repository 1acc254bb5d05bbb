// The models' tab: a list that is searched, and asked for page by page.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
import { api, post } from "./http.js";
import { base, createCard, kind } from "./library_card.js";
import { createHub } from "./library_hub.js";
import { t } from "./words.js";

const PAGE = 60;

export function mountLibrary(root) {
  let entries = [],
    told = null,
    asking = 0;
  const search = el("input", { type: "search", id: "library-search", autocomplete: "off" });
  const kinds = el("select", { id: "library-kind" }),
    bases = el("select", { id: "library-base" });
  const again = el("button", { type: "button", id: "library-scan" });
  const count = el("p", { class: "help", role: "status", "aria-live": "polite" });
  const message = el("p", { class: "alas", role: "alert", hidden: true }),
    notice = el("p", { class: "help", hidden: true });
  const undo = el("div", { class: "undo" }),
    list = el("div", { class: "models" });
  const more = el("button", { type: "button", id: "library-more", hidden: true }),
    where = el("p", { class: "help" });
  const complain = (error) => {
    message.hidden = !error;
    message.textContent = error ? error.message : "";
  };
  const doing = (work) => async () => {
    try {
      complain(null);
      await work();
    } catch (error) {
      complain(error);
    }
  };
  const scan = doing(async () => {
    await post("library/scan", {});
    await ask();
  });
  const job = (id, generator, request) => createScanJob(id, generator, request, scan);
  const shelf = { told: () => told, doing, ask, job, warn: (text) => complain(new Error(text)) },
    hub = createHub(shelf);
  root.replaceChildren(
    el(
      "div",
      { class: "library" },
      el("div", { class: "find" }, search, kinds, bases, again),
      message,
      notice,
      undo,
      count,
      list,
      more,
      where,
      hub.node,
    ),
  );

  async function ask(offset = 0) {
    const mine = ++asking;
    const query = new URLSearchParams({
      search: search.value,
      kind: kinds.value,
      architecture: bases.value,
      offset: String(offset),
      limit: String(PAGE),
    });
    const answer = await api(`library?${query}`);
    if (mine !== asking) return; // a newer question is on its way
    told = answer;
    entries = offset ? [...entries, ...answer.entries] : answer.entries;
    render(offset);
  }

  function render(from = 0) {
    const sum = Object.values(told.kinds).reduce((a, b) => a + b, 0);
    options(kinds, t("library.every-kind", { count: sum }), told.kinds, kind);
    options(bases, t("library.every-base"), told.architectures, (key) => base(told.bases[key]));
    const hashing = told.to_hash ? ` · ${t("library.hashing", { left: told.to_hash })}` : "";
    notice.hidden = !told.notice;
    notice.textContent = told.notice ? t(`library.index-${told.notice}`) : "";
    count.textContent = told.total
      ? t("library.count", { shown: entries.length, total: told.total }) + hashing
      : t("library.none");
    const made = entries.slice(from).map((entry) => createCard(entry, shelf));
    if (from) list.append(...made);
    else list.replaceChildren(...made);
    more.hidden = entries.length >= told.total;
    hub.node.hidden = again.hidden = !told.changes;
    undo.replaceChildren(
      ...told.removed.map(({ id, name }) =>
        el(
          "button",
          {
            type: "button",
            onclick: doing(async () => {
              await post(`library/${id}/restore`, {});
              await ask();
            }),
          },
          t("library.undo", { name }),
        ),
      ),
    );
    words();
  }

  function words() {
    hub.say();
    search.placeholder = t("library.search");
    search.setAttribute("aria-label", t("library.search"));
    again.textContent = t("library.scan");
    more.textContent = t("library.more");
    where.textContent = t(told && !told.changes ? "classroom.no-changes" : "library.where");
  }

  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(doing(ask), 200);
  });
  kinds.addEventListener(
    "change",
    doing(() => ask()),
  );
  bases.addEventListener(
    "change",
    doing(() => ask()),
  );
  more.addEventListener(
    "click",
    doing(() => ask(entries.length)),
  );
  again.addEventListener("click", scan);
  on("language", () => (told ? render() : words()));
  on("sentences", () => told && render());
  words();
  doing(() => ask())();
}

function options(select, first, counts, name) {
  const chosen = select.value;
  select.replaceChildren(
    el("option", { value: "" }, first),
    ...Object.entries(counts).map(([key, n]) => el("option", { value: key }, `${name(key)} (${n})`)),
  );
  select.value = chosen in counts ? chosen : "";
}

// A job whose progress stands beside its button, and after which the folders are looked through again.
function createScanJob(id, generator, request, scan) {
  const made = createRunner(id, {
    generator,
    request,
    word: `library.${generator}`,
    begun() {},
    heard: {
      progress: ({ stage, done, total }) => {
        made.status.textContent = t(`stage.${stage}`) + (total ? ` ${Math.round((100 * done) / total)} %` : "");
      },
      end: (state) => {
        if (state === "done") {
          made.status.textContent = "";
          scan();
        }
      },
    },
  });
  return made;
}
