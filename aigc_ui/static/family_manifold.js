// All that a VAE with a two-dimensional z can draw, on one picture; the place under the pointer is drawn beside it.
import { decode, el, onto } from "./dom.js";
import { on } from "./events.js";
import { post } from "./http.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

// `show(label)` draws the plane of that digit.
export function createManifold() {
  const title = el("h3"),
    note = el("p", { class: "help" }),
    told = el("span", { class: "figures", id: "manifold-z" });
  const plane = el("canvas", { id: "manifold-plane", role: "img" }),
    here = el("canvas", { id: "manifold-here", role: "img" });
  const node = el(
    "section",
    { class: "manifold" },
    title,
    note,
    el("div", { class: "manifold-row" }, plane, el("div", {}, here, told)),
  );
  /** @type {number | null} */
  let label = null;
  let place = { across: 0.5, down: 0.5 };

  const ask = newest(async (/** @type {{ asked: object }} */ { asked }) => {
    try {
      /** @type {import("./types.d.ts").ManifoldAnswer} */
      const { sheet, picture, z } = await post("lab/manifold", asked);
      onto(plane, await decode(sheet[0]));
      onto(here, await decode(picture[0]));
      told.textContent = `z = (${z.join(", ")})`;
    } catch (error) {
      told.textContent = /** @type {Error} */ (error).message;
    }
  });
  const refresh = () => ask({ asked: { label, ...place } });
  const within = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
  plane.addEventListener("pointermove", (event) => {
    const box = plane.getBoundingClientRect();
    place = {
      across: within((event.clientX - box.left) / box.width),
      down: within((event.clientY - box.top) / box.height),
    };
    refresh();
  });
  function say() {
    title.textContent = t("manifold.title");
    note.textContent = t("manifold.help");
    plane.setAttribute("aria-label", t("manifold.title"));
    here.setAttribute("aria-label", t("manifold.here"));
  }
  on("language", say);
  say();
  return {
    node,
    /** @param {number} next */
    show: (next) => {
      if (next !== label) {
        label = next;
        refresh();
      }
    },
  };
}
