// The grid of the gallery: a picture of any number of tiles, of which only those in sight are in the page.
import { around, el } from "./dom.js";
import { GAP, layoutOf, moved, placeOf, within } from "./gallery_layout.js";
import { url } from "./http.js";
import { language, t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryPicture} Picture */

const LEAST = 168,
  LEAST_ON_PHONES = 100; // pixels of a tile's side
const UNDER_THE_SEARCH = 130,
  MARGIN = 12; // pixels from the edges of the window at which the active tile stays
/** @param {Picture} picture */
const thumbnail = ({ id }) => url(`gallery/${id}/thumbnail`);
/** @param {number} stars */
export const starred = (stars) => "★".repeat(stars);

/**
 * @param {ReturnType<typeof import("./gallery_source.js").createSource>} source
 * @param {Set<string>} chosen ids
 * @param {Act} act
 * @typedef {{ open: (index: number) => void, choose: (index: number, event: { shiftKey: boolean }) => void,
 *   key: (event: KeyboardEvent) => void }} Act
 */
export function createGrid(source, chosen, act) {
  const node = el("div", { class: "gallery-grid", id: "gallery-grid", role: "listbox", tabindex: 0 });
  node.setAttribute("aria-multiselectable", "true");
  const tiles = createTiles(node, source, chosen);
  let layout = layoutOf(1, 0, LEAST),
    active = 0,
    asked = 0;

  function render() {
    if (!node.offsetParent) return;
    layout = layoutOf(node.clientWidth, source.total(), node.clientWidth < 560 ? LEAST_ON_PHONES : LEAST);
    node.style.height = `${layout.height}px`;
    active = Math.max(0, Math.min(active, layout.total - 1));
    const { top } = node.getBoundingClientRect(),
      { from, to } = within(layout, -top, innerHeight - top);
    tiles.draw(layout, from, to, active);
    node.setAttribute("aria-activedescendant", active >= from && active < to ? `gallery-tile-${active}` : "");
    source.want(from, to);
  }
  function soon() {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      render();
    });
  }
  /** The active tile, brought into sight. @param {number} index */
  function goTo(index) {
    active = index;
    const top = node.getBoundingClientRect().top + placeOf(layout, index).top,
      below = top + layout.side + MARGIN - innerHeight;
    if (top < UNDER_THE_SEARCH) scrollBy(0, top - UNDER_THE_SEARCH);
    else if (below > 0) scrollBy(0, below);
    render();
  }
  /** To the first tile, where it lies above the window. */
  function toTop() {
    active = 0;
    const { top } = node.getBoundingClientRect();
    if (top < 0) scrollBy(0, top - UNDER_THE_SEARCH);
    render();
  }
  const moves = {
    active: () => active,
    /** @param {string} key */
    next: (key) => moved(key, active, layout, Math.max(1, Math.floor(innerHeight / (layout.side + GAP)) - 1)),
    goTo,
  };
  listen(node, moves, { ...act, touches: () => chosen.size > 0 });
  document.addEventListener("scroll", soon, { capture: true, passive: true });
  new ResizeObserver(soon).observe(node);
  return { node, render, goTo, toTop, active: moves.active };
}

/**
 * The tiles that are in the page now.
 * @param {HTMLElement} node @param {{ at: (index: number) => Picture | undefined }} source @param {Set<string>} chosen
 */
function createTiles(node, source, chosen) {
  /** @type {Map<number, HTMLElement>} */
  const tiles = new Map();
  /** @param {import("./gallery_layout.js").Layout} layout @param {number} index @param {boolean} active */
  function one(layout, index, active) {
    const picture = source.at(index),
      old = tiles.get(index),
      state = JSON.stringify([picture, picture && chosen.has(picture.id), active, layout, language()]);
    if (old?.dataset.state === state) return;
    const tile = createTile(index, picture, Boolean(picture && chosen.has(picture.id)), active);
    const { left, top } = placeOf(layout, index),
      side = `${layout.side}px`;
    tile.dataset.state = state;
    Object.assign(tile.style, { left: `${left}px`, top: `${top}px`, width: side, height: side });
    const image = old?.querySelector("img"); // kept, or it would flash
    if (image && old?.dataset.id === picture?.id) tile.querySelector("img")?.replaceWith(image);
    if (old) old.replaceWith(tile);
    else node.append(tile);
    tiles.set(index, tile);
  }
  /** @param {import("./gallery_layout.js").Layout} layout @param {number} from @param {number} to @param {number} active */
  function draw(layout, from, to, active) {
    for (const [index, tile] of tiles)
      if (index < from || index >= to) {
        tile.remove();
        tiles.delete(index);
      }
    for (let index = from; index < to; index++) one(layout, index, index === active);
  }
  return { draw };
}

/**
 * @param {HTMLElement} node
 * @param {{ active: () => number, next: (key: string) => number | null, goTo: (index: number) => void }} moves
 * @param {Act & { touches: () => boolean }} act `touches`: a touch chooses, as others are chosen already
 */
function listen(node, moves, act) {
  node.addEventListener("click", (event) => {
    const tile = around(event, ".tile"),
      index = Number(tile?.dataset.index);
    if (!tile?.dataset.id) return;
    const touched = event instanceof PointerEvent && event.pointerType === "touch" && act.touches();
    moves.goTo(index);
    node.focus({ preventScroll: true });
    if (around(event, ".pick") || touched || event.ctrlKey || event.metaKey || event.shiftKey) act.choose(index, event);
    else act.open(index);
  });
  node.addEventListener("keydown", (event) => {
    const next = event.ctrlKey || event.altKey || event.metaKey ? null : moves.next(event.key);
    if (next === null) return act.key(event);
    event.preventDefault();
    if (event.shiftKey) act.choose(next, event);
    moves.goTo(next);
  });
}

/** @param {number} index @param {Picture | undefined} picture @param {boolean} chosen @param {boolean} active */
function createTile(index, picture, chosen, active) {
  const node = el("div", { class: "tile", id: `gallery-tile-${index}`, role: "option", "data-index": index });
  node.setAttribute("aria-selected", String(chosen));
  node.classList.toggle("chosen", chosen);
  node.classList.toggle("active", active);
  if (!picture) return node;
  node.dataset.id = picture.id;
  node.title = picture.title;
  node.setAttribute("aria-label", described(picture));
  const image = el("img", { src: thumbnail(picture), alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => node.classList.add("broken"));
  const pick = el("span", { class: "pick", "aria-hidden": "true" }, "✓");
  const marks = [picture.favourite && "♥", starred(picture.stars)].filter(Boolean).join(" ");
  node.append(image, pick, ...(marks ? [el("span", { class: "marks", "aria-hidden": "true" }, marks)] : []));
  if (picture.unfinished) node.append(el("span", { class: "badge" }, t("unfinished")));
  return node;
}
/** @param {Picture} picture */
function described({ title, favourite, stars, tags }) {
  const marks = [favourite && t("gallery.favourite"), stars && t("gallery.stars", { count: stars }), ...tags];
  return [title || t("gallery.untitled"), ...marks.filter(Boolean)].join(", ");
}
