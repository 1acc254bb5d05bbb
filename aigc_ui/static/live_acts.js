// Under the picture: which of several, and what can be done with it.
import { el } from "./dom.js";
import { nameDownload } from "./download_name.js";
import { enlarge } from "./enlarge.js";
import { on } from "./events.js";
import { remembered } from "./memory.js";
import { over } from "./state.js";
import { editPart, useSettings, vary, widen } from "./turns_from.js";
import { t } from "./words.js";

/** @typedef {import("./engine.d.ts").Job} Job @typedef {"vary" | "enlarge" | "edit" | "widen" | "use"} Act */

/** @type {Record<Act, { word: string, help: string, run: (id: string) => unknown }>} */
const ACTS = {
  vary: { word: "act.vary", help: "act.vary.help", run: vary },
  enlarge: { word: "act.enlarge", help: "act.enlarge.help", run: (id) => enlarge(id, "2x", upscaler()) },
  edit: { word: "act.edit", help: "act.edit.help", run: editPart },
  widen: { word: "act.widen", help: "act.widen.help", run: widen },
  use: { word: "act.use", help: "act.use.help", run: useSettings },
};
/** What cannot be done with the pictures of some jobs. @type {Record<string, Act[]>} */
const WITHOUT = {
  upscale: ["vary", "use"],
  grid: ["vary", "enlarge", "edit", "widen", "use"],
  guesses: ["vary", "enlarge", "edit", "widen", "use"],
};
const upscaler = () => remembered("upscaler") ?? undefined;

/** The pictures of a job that are shown: of a grid the sheet, for all others are on it. @param {Job | undefined} job */
export const shownPictures = (job) => (job?.generator === "grid" ? job.image_ids.slice(-1) : (job?.image_ids ?? []));

/** Whether its pictures have steps that can be gone back to. @param {Job | undefined} job */
export const paintedByStep = (job) =>
  Boolean(job?.image_ids.length) && ["text-to-image", "prompt-lines"].includes(job?.generator ?? "");

export function createActs() {
  const which = el("div", { class: "either", role: "group", id: "act-which" });
  const buttons = Object.entries(ACTS).map(([name, { run }]) =>
    el("button", { type: "button", class: "quiet", "data-act": name, onclick: () => run(picture()) }),
  );
  const save = el("a", { class: "button", "data-act": "download" });
  /** @type {Job | undefined} */
  let job;
  let index = 0;
  const picture = () => shownPictures(job)[index];

  /** @param {number} next */
  function choose(next) {
    index = next;
    say();
  }
  function say() {
    [...which.children].forEach((one, i) => one.setAttribute("aria-pressed", String(i === index)));
    which.setAttribute("aria-label", t("act.which"));
    for (const button of buttons) {
      const { word, help } = ACTS[/** @type {Act} */ (button.dataset.act)];
      button.textContent = t(word);
      button.title = t(help);
    }
    save.textContent = t("detail.download");
    if (picture()) nameDownload(save, picture(), "png");
  }
  /** @param {Job | undefined} next */
  function show(next) {
    const ready = next && over(next) ? next : undefined,
      pictures = shownPictures(ready);
    if (ready?.id !== job?.id) index = 0;
    job = ready;
    index = Math.min(index, Math.max(0, pictures.length - 1));
    if (which.children.length !== pictures.length)
      which.replaceChildren(
        ...pictures.map((_, i) => el("button", { type: "button", onclick: () => choose(i) }, String(i + 1))),
      );
    which.hidden = pictures.length < 2;
    save.hidden = !pictures.length;
    for (const button of buttons)
      button.hidden =
        !pictures.length ||
        Boolean(WITHOUT[job?.generator ?? ""]?.includes(/** @type {Act} */ (button.dataset.act))) ||
        Boolean(button.dataset.act === "vary" && job?.request.branch_from);
    say();
  }
  on("language", say);
  show(undefined);
  return { which, buttons, save, picture, index: () => index, show };
}
