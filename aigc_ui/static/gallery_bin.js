// The bin: what was thrown away lately, to be brought back or destroyed.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { api, post, url } from "./http.js";
import { t } from "./words.js";

/** @param {() => void} changed @param {(error: unknown) => void} fail */
export function createBin(changed, fail) {
  const help = el("p", { class: "help", role: "status" }),
    list = el("ul"),
    empty = el("button", { type: "button" });
  const { node, say } = createDialog("gallery-bin", help, list, el("div", { class: "buttons" }, empty));
  /** @type {{ id: string }[]} */
  let pictures = [];
  let sure = false;

  async function show() {
    try {
      pictures = (await api("gallery/bin")).pictures;
    } catch (error) {
      return fail(error);
    }
    sure = false;
    say(t("gallery.bin"));
    help.textContent = t(pictures.length ? "gallery.bin-help" : "gallery.bin-empty");
    empty.textContent = t("gallery.destroy", { count: pictures.length });
    empty.hidden = !pictures.length;
    list.replaceChildren(...pictures.map(item));
    if (!node.open) node.showModal();
  }
  /** @param {{ id: string }} picture */
  function item({ id }) {
    const restore = el("button", { type: "button", onclick: () => act("restore", [id]) }, t("gallery.restore"));
    return el("li", {}, el("img", { src: url(`gallery/bin/${id}/thumbnail`), alt: "", loading: "lazy" }), restore);
  }
  /** @param {string} what @param {string[]} ids */
  async function act(what, ids) {
    try {
      await post(`gallery/bin/${what}`, { ids });
      changed();
      await show();
    } catch (error) {
      fail(error);
    }
  }
  empty.addEventListener("click", () => {
    if (sure) return act("destroy", pictures.map(({ id }) => id)); // biome-ignore format: one line
    sure = true;
    empty.textContent = t("gallery.destroy-sure");
  });
  return { node, show };
}
