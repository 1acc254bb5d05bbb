// What is asked of the gallery: the words that are searched, and what narrows them.
import { el } from "./dom.js";
import { valueName } from "./gallery_facets.js";
import { createFolders } from "./gallery_folders.js";
import { createSearches } from "./gallery_searches.js";
import { url } from "./http.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").GalleryPicture} Picture */

const TYPING = 120; // milliseconds between keys

/** The question that the page asks. @param {() => string} text @param {() => void} ask */
export function createQuestion(text, ask) {
  /** @type {Map<string, Set<string>>} */
  const facets = new Map();
  /** The picture to which others are near. @type {Picture | null} */
  let like = null;
  /** A value is chosen, or no longer; without one, none is. @param {string} [facet] @param {string} [value] */
  function press(facet, value) {
    if (!facet || value === undefined) {
      facets.clear();
      like = null;
    } else {
      const own = facets.get(facet) ?? new Set();
      if (!own.delete(value)) own.add(value);
      if (own.size) facets.set(facet, own);
      else facets.delete(facet);
      if (facet === "month") facets.delete("day");
    }
    ask();
  }
  /** Those like a picture, the nearest first; without one, the newest. @param {Picture | null} picture */
  function near(picture) {
    like = picture;
    ask();
  }
  /** Words are set by who types them. @param {Record<string, string[]>} wanted */
  function narrow(wanted) {
    facets.clear();
    like = null;
    for (const [facet, values] of Object.entries(wanted)) facets.set(facet, new Set(values));
    ask();
  }
  const asked = () => ({
    text: text(),
    facets: Object.fromEntries([...facets].map(([facet, values]) => [facet, [...values]])),
  });
  /** @param {number} offset @param {number} limit */
  function path(offset, limit) {
    const asked = new URLSearchParams({ text: text(), offset: String(offset), limit: String(limit) });
    if (like) asked.append("like", like.id);
    for (const [facet, values] of facets) for (const value of values) asked.append(facet, value);
    return `gallery?${asked}`;
  }
  return { facets, press, near, narrow, asked, like: () => like, path, bare: () => !text() && !facets.size && !like };
}

/**
 * The line with the search, how many were found, and what narrows it.
 * @param {() => ReturnType<typeof createQuestion>} question
 * @param {{ ask: () => void, openBin: () => void, refresh: () => void }} act
 */
export function createFind(question, { ask, openBin, refresh }) {
  const search = el("input", { type: "search", id: "gallery-search", autocomplete: "off", maxlength: 1000 });
  const count = el("span", { class: "figures", role: "status", "aria-live": "polite" }),
    bin = el("button", { type: "button", id: "gallery-open-bin", onclick: openBin }),
    narrowed = el("div", { class: "narrowed" }),
    folders = createFolders(refresh);
  const searches = createSearches(
    () => question().asked(),
    ({ text, facets }) => {
      search.value = text;
      question().narrow(facets);
    },
  );
  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(ask, TYPING);
  });
  /** @param {string} name @param {() => void} onclick */
  const chip = (name, onclick) => el("button", { type: "button", class: "chip", onclick }, name);
  return {
    node: el(
      "div",
      { class: "gallery-find" },
      search,
      count,
      searches.button,
      folders.button,
      bin,
      narrowed,
      searches.node,
      folders.node,
    ),
    text: () => search.value,
    /** @param {import("./types.d.ts").GalleryAnswer} answer */
    show: ({ total, unseen }) => {
      const { facets, press, near, like } = question(),
        picture = like();
      count.textContent = [
        t("gallery.count", { count: total.toLocaleString() }),
        unseen && t("gallery.unseen", { count: unseen.toLocaleString() }),
      ]
        .filter(Boolean)
        .join(" · ");
      const chips = [...facets].flatMap(([facet, values]) =>
        [...values].map((value) => chip(`${valueName(facet, value)} ×`, () => press(facet, value))),
      );
      if (picture) chips.unshift(alike(picture, () => near(null)));
      narrowed.replaceChildren(...chips, ...(chips.length > 1 ? [chip(t("gallery.all"), () => press())] : []));
    },
    say: () => {
      search.placeholder = t("gallery.search");
      search.setAttribute("aria-label", t("gallery.search"));
      bin.textContent = t("gallery.bin");
      folders.say();
      searches.say();
    },
  };
}

/** To which picture those that are shown are near. @param {Picture} picture @param {() => void} onclick */
function alike({ id, title }, onclick) {
  const image = el("img", { src: url(`gallery/${id}/thumbnail`), alt: title });
  return el("button", { type: "button", class: "chip alike", onclick }, image, `${t("gallery.like")} ×`);
}
