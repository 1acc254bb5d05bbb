// Pictures that were made, newest first.
import { createDetail, request, source } from "./detail.js";
import { el } from "./dom.js";
import { titled } from "./job_title.js";
import { on } from "./events.js";
import { olderPictures } from "./jobs.js";
import { state } from "./state.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").Picture} Picture */

/** @param {HTMLElement} root */
export function mountResults(root) {
  const title = el("h2"),
    list = el("ul", { id: "results-list" }),
    empty = el("p", { class: "help" });
  const more = el("button", { type: "button", id: "results-more", class: "quiet", onclick: () => olderPictures() });
  const detail = createDetail();
  root.replaceChildren(
    el("section", { class: "results" }, el("div", { class: "head" }, title, more), empty, list),
    detail.node,
  );

  /** @param {Picture} picture */
  function tile(picture) {
    const prompt = titled(picture.recipe?.generator ?? "", request(picture));
    return el(
      "li",
      { "data-id": picture.id },
      el(
        "button",
        {
          type: "button",
          title: prompt,
          "aria-label": t("results.open", { prompt }),
          onclick: () => detail.open(picture.id),
        },
        el("img", { src: source(picture), alt: "", loading: "lazy", width: picture.width, height: picture.height }),
        picture.unfinished && el("span", { class: "badge" }, t("unfinished")),
      ),
    );
  }
  function render() {
    title.textContent = t("results");
    empty.textContent = t("results.empty");
    empty.hidden = state.pictures.length > 0;
    more.textContent = t("results.more");
    more.hidden = !state.more;
    const items = /** @type {HTMLElement[]} */ ([...list.children]),
      old = new Map(items.map((item) => [item.dataset.id, item]));
    list.replaceChildren(
      ...state.pictures.map((/** @type {Picture} */ picture) => old.get(picture.id) ?? tile(picture)),
    );
  }
  on("open-picture", detail.open);
  on("pictures", render);
  on("language", () => {
    list.replaceChildren();
    render();
  });
  render();
}
