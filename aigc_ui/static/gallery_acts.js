// The buttons beside one picture of the gallery: its settings and itself back into Create, enlarging, files, the bin.
import { el } from "./dom.js";
import { createNaming, nameDownload } from "./download_name.js";
import { enlarge } from "./enlarge.js";
import { defaults } from "./fields.js";
import { openFilm } from "./film_dialog.js";
import { blob, url } from "./http.js";
import { openRoom } from "./rooms.js";
import { startFrom } from "./start.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").GalleryPicture} Picture
 * @typedef {import("./types.d.ts").Recipe} Recipe
 */

const FORMATS = ["png", "jpg", "webp"];
const FACTORS = [2, 4];
const LARGEST = 2 ** 26; // pixels, beyond which the studio does not enlarge

/**
 * @param {() => { picture: Picture | undefined, recipe: Recipe }} now what is shown
 * @param {{ leave: () => unknown, remove: () => unknown, family?: () => unknown, similar?: (picture: Picture) => unknown }} act `leave` closes what is open before Create is
 */
export function createActs(now, act) {
  /** @param {string} name @param {() => unknown} onclick */
  const createButton = (name, onclick) => el("button", { type: "button", "data-act": name, onclick });
  /** @param {(picture: Picture) => unknown} work @returns {() => void} */
  const inCreate = (work) => () => {
    const { picture } = now();
    act.leave();
    openRoom("create");
    if (picture) work(picture);
  };
  const use = createButton(
    "use",
    inCreate(() => applySettings({ ...defaults(), ...now().recipe.unsaid, ...now().recipe.request })), // also what an older recipe does not know
  );
  use.classList.add("primary");
  const start = createButton("start", inCreate(begin)),
    larger = FACTORS.map((factor) =>
      createButton(
        `enlarge-${factor}`,
        inCreate(({ id }) => enlarge(id, `${factor}x`)),
      ),
    );
  const family = createButton("family", () => act.family?.());
  const similar = createButton("similar", () => {
    const { picture } = now();
    act.leave();
    if (picture) act.similar?.(picture);
  });
  const film = createButton("film", () => openFilm(now().picture?.id ?? ""));
  [family.hidden, similar.hidden] = [!act.family, !act.similar];
  const downloads = createDownloads(),
    remove = createButton("delete", act.remove);
  return {
    node: el("div", { class: "buttons" }, use, start, similar, family, film, ...larger, ...downloads.nodes, remove),
    remove,
    say: () => {
      use.textContent = t("detail.use");
      start.textContent = t("detail.start");
      family.textContent = t("kin.title");
      similar.textContent = t("gallery.similar");
      film.textContent = t("film.open");
      for (const [i, one] of larger.entries()) one.textContent = t("detail.enlarge", { factor: FACTORS[i] });
      downloads.say();
      remove.textContent = t("gallery.delete");
    },
    /** What can be done with the picture that is shown. */
    offer: () => {
      const { picture, recipe } = now();
      if (!picture) return;
      const { width, height, foreign } = picture;
      downloads.offer(picture, recipe);
      remove.hidden = Boolean(foreign);
      family.hidden = !act.family || Boolean(foreign);
      film.hidden = Boolean(foreign) || recipe.generator !== "text-to-image";
      use.hidden = !Object.keys(recipe.request ?? {}).length || ["upscale", "guesses"].includes(recipe.generator ?? "");
      for (const [i, one] of larger.entries()) one.disabled = width * height * FACTORS[i] ** 2 > LARGEST;
    },
  };
}

/** Links to a picture's file: one of the studio's own in three formats, another program's as it is. */
function createDownloads() {
  const links = FORMATS.map((kind) => el("a", { class: "button", "data-kind": kind }, `↓ ${kind.toUpperCase()}`));
  const naming = createNaming(),
    original = el("a", { class: "button", "data-kind": "original" });
  return {
    nodes: [...links, naming.button, original],
    say: () => {
      for (const link of links) link.setAttribute("aria-label", `${t("detail.download")} ${link.dataset.kind}`);
      naming.say();
      original.textContent = `↓ ${t("detail.download")}`;
    },
    /** @param {Picture} picture @param {Recipe} recipe */
    offer: ({ id, foreign }, recipe) => {
      for (const link of links) {
        nameDownload(link, id, link.dataset.kind ?? "png");
        link.hidden = Boolean(foreign);
      }
      original.href = url(`images/${encodeURIComponent(id)}`);
      original.download = (recipe.file ?? id).split(/[\\/]/).at(-1) ?? id;
      original.hidden = !foreign;
      naming.button.hidden = Boolean(foreign);
    },
  };
}

/** Another picture begins from this one. @param {Picture} picture */
async function begin({ id }) {
  const bytes = await blob(`images/${encodeURIComponent(id)}`);
  if (bytes) await startFrom(bytes);
}
