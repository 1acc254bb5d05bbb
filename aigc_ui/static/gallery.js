// The gallery's tab: a question on top, facets beside, a grid of all pictures, and what is done with those that are chosen.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createBar } from "./gallery_bar.js";
import { createBin } from "./gallery_bin.js";
import { createChoice } from "./gallery_chosen.js";
import { createCompare } from "./gallery_compare.js";
import { createDeeds } from "./gallery_deeds.js";
import { createFamily } from "./gallery_family.js";
import { createFacets } from "./gallery_facets.js";
import { createFind, createQuestion } from "./gallery_find.js";
import { createGrid } from "./gallery_grid.js";
import { createNotice } from "./gallery_notice.js";
import { createSource } from "./gallery_source.js";
import { markOfKey } from "./gallery_tags.js";
import { createView } from "./gallery_view.js";
import { api } from "./http.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryAnswer} Answer */

/** @param {HTMLElement} root */
export function mountGallery(root) {
  /** @type {Answer | null} */
  let answer = null;
  const restart = () => source.restart();
  const find = createFind(() => question, { ask: restart, openBin: () => bin.show(), refresh: () => seen() });
  const question = createQuestion(find.text, restart);
  const source = createSource((offset, limit) => api(question.path(offset, limit)), {
    begun: (next, same) => {
      answer = next;
      render();
      if (!same) grid.toTop();
    },
    more: draw,
    failed: (error) => deeds.fail(error),
  });
  const notice = createNotice(),
    deeds = createDeeds(source, notice, { marked, removed: (ids) => [choice.drop(ids), view.gone(ids)] }),
    choice = createChoice(source, draw),
    facets = createFacets(question.press);
  const view = createView({
    ...source,
    ...deeds,
    notice: notice.node,
    family: (picture) => family.open(picture),
    similar: question.near,
    left: (index) => [room.takeNotice(), grid.goTo(index)],
  });
  const grid = createGrid(source, choice.ids, {
    open: view.open,
    choose: choice.choose,
    key: (event) => pressed(event, grid.active(), { source, choice, deeds, view }),
  });
  const takeNotice = () => (view.node.open ? view.slot.append(notice.node) : room.takeNotice());
  const family = createFamily({ ...deeds, notice: notice.node, view, left: takeNotice });
  const compare = createCompare(deeds.fail),
    bin = createBin(source.refresh, deeds.fail);
  const bar = createBar(choice, deeds, compare.open);
  const room = createRoom({ find, notice, bar, facets, grid });
  root.replaceChildren(room.node, view.node, family.node, compare.node, bin.node);

  function draw() {
    bar.show();
    grid.render();
    view.render();
  }
  function render() {
    if (!answer) return;
    room.show(answer, question);
    draw();
  }
  /** The counts anew, while the pictures stay where they are until the next question. */
  async function marked() {
    draw();
    const next = await api(question.path(0, 1)).catch(() => null);
    if (next) facets.show(next.facets, question.facets);
  }
  function say() {
    room.say();
    render();
  }
  on("language", say);
  on("sentences", say);
  const seen = whenSeen(root, source.refresh);
  on("pictures", seen);
  say();
  restart();
}

/**
 * Where everything stands.
 * @param {{
 *   find: ReturnType<typeof createFind>, notice: ReturnType<typeof createNotice>, bar: ReturnType<typeof createBar>,
 *   facets: ReturnType<typeof createFacets>, grid: ReturnType<typeof createGrid>,
 * }} parts
 */
function createRoom({ find, notice, bar, facets, grid }) {
  const summary = el("summary"),
    filters = el("details", { class: "gallery-filters", open: innerWidth > 860 }, summary, facets.node),
    empty = el("p", { class: "gallery-empty", hidden: true });
  return {
    node: el("div", { class: "gallery" }, find.node, notice.node, bar.node, filters, empty, grid.node),
    takeNotice: () => find.node.after(notice.node),
    /** @param {Answer} answer @param {ReturnType<typeof createQuestion>} question */
    show: (answer, question) => {
      find.show(answer);
      facets.show(answer.facets, question.facets);
      filters.hidden = question.bare() && !answer.total;
      empty.hidden = answer.total > 0;
      empty.textContent = t(question.bare() ? "gallery.empty" : "gallery.none");
      grid.node.hidden = !answer.total;
    },
    say: () => {
      summary.textContent = t("gallery.filters");
      grid.node.setAttribute("aria-label", t("gallery.grid"));
      find.say();
      notice.say();
    },
  };
}

/** Work that waits until its room is seen. @param {HTMLElement} root @param {() => void} work */
function whenSeen(root, work) {
  let waiting = false;
  const now = () => {
    waiting = !root.offsetParent;
    if (!waiting) work();
  };
  new ResizeObserver(() => waiting && now()).observe(root);
  return now;
}

/**
 * What a key does on the grid.
 * @param {KeyboardEvent} event @param {number} index of the active tile
 * @param {{
 *   source: ReturnType<typeof createSource>, choice: ReturnType<typeof createChoice>,
 *   deeds: ReturnType<typeof createDeeds>, view: ReturnType<typeof createView>,
 * }} gallery
 */
function pressed(event, index, { source, choice, deeds, view }) {
  if (event.metaKey || event.altKey || (event.ctrlKey && event.key !== " ")) return;
  const change = markOfKey(event.key, Boolean(source.at(index)?.favourite));
  /** @type {Record<string, () => unknown>} */
  const acts = {
    Enter: () => view.open(index),
    " ": () => (event.ctrlKey ? choice.choose(index, event) : view.open(index)),
    x: () => choice.choose(index, event),
    Delete: () => deeds.remove(choice.meant(index)),
    Escape: () => choice.drop(choice.ids),
  };
  if (change) deeds.mark(choice.meant(index), change);
  else if (Object.hasOwn(acts, event.key)) acts[event.key]();
  else return;
  event.preventDefault();
}
