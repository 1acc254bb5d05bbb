// The buttons beside one picture of the gallery: its settings and itself back into Create, enlarging, files, the bin.
import { el } from "./dom.js";
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
 * @param {{ leave: () => unknown, remove: () => unknown, family?: () => unknown }} act `leave` closes what is open before Create is
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
    inCreate(() => applySettings({ ...defaults(), ...now().recipe.request })), // also what an older recipe does not know
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
  family.hidden = !act.family;
  const film = createButton("film", () => openFilm(now().picture?.id ?? ""));
  const links = FORMATS.map((kind) => el("a", { class: "button", "data-kind": kind }, `↓ ${kind.toUpperCase()}`));
  const remove = createButton("delete", act.remove);
  return {
    node: el("div", { class: "buttons" }, use, start, family, film, ...larger, ...links, remove),
    remove,
    say: () => {
      use.textContent = t("detail.use");
      start.textContent = t("detail.start");
      family.textContent = t("kin.title");
      film.textContent = t("film.open");
      for (const [i, one] of larger.entries()) one.textContent = t("detail.enlarge", { factor: FACTORS[i] });
      for (const link of links) link.setAttribute("aria-label", `${t("detail.download")} ${link.dataset.kind}`);
      remove.textContent = t("gallery.delete");
    },
    /** What can be done with the picture that is shown. */
    offer: () => {
      const { picture, recipe } = now();
      if (!picture) return;
      const { id, width, height } = picture;
      for (const link of links) {
        link.href = url(`images/${encodeURIComponent(id)}.${link.dataset.kind}`);
        link.download = `${id}.${link.dataset.kind}`;
      }
      film.hidden = recipe.generator !== "text-to-image";
      use.hidden = !recipe.request || ["upscale", "guesses"].includes(recipe.generator ?? "");
      for (const [i, one] of larger.entries()) one.disabled = width * height * FACTORS[i] ** 2 > LARGEST;
    },
  };
}

/** Another picture begins from this one. @param {Picture} picture */
async function begin({ id }) {
  const bytes = await blob(`images/${encodeURIComponent(id)}`);
  if (bytes) await startFrom(bytes);
}
