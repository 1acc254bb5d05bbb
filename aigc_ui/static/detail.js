// The dialog with one picture and its recipe, and what can be done with it.
import { el, icon, icons } from "./dom.js";
import { createNaming, nameDownload } from "./download_name.js";
import { createUpscalerChoice, enlarge as enlargePicture } from "./enlarge.js";
import { openFilm } from "./film_dialog.js";
import { api, blob, url } from "./http.js";
import { complain } from "./message.js";
import { rows } from "./recipe_rows.js";
import { createCells } from "./sheet_cells.js";
import { startFrom } from "./start.js";
import { state } from "./state.js";
import { editPart, useSettings, vary, widen } from "./turns_from.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";
import { createZoomStage } from "./zoom_stage.js";

/**
 * @typedef {import("./types.d.ts").Picture} Picture
 * @typedef {import("./types.d.ts").Recipe} Recipe
 */

/** @type {Record<string, { word: string, run: (id: string) => unknown }>} */
const TURNS = {
  vary: { word: "act.vary", run: vary },
  edit: { word: "act.edit", run: editPart },
  widen: { word: "act.widen", run: widen },
};
const LARGEST = 2 ** 26; // pixels, beyond which the studio does not enlarge
/** @param {Picture} picture */
export const source = (picture) => url(`images/${encodeURIComponent(picture.id)}`);
/** @param {Picture} picture @returns {Partial<import("./engine.d.ts").RequestFields>} */
export const request = (picture) => picture.recipe?.request ?? {};

/** @param {(id: string) => void} open shows another picture */
function createParts(open) {
  const table = el("tbody"),
    parameters = el("pre", { id: "detail-parameters", tabindex: 0 });
  const heading = el("h2", { id: "detail-title" }),
    parametersTitle = el("h3");
  const acts = createActs(),
    cells = createCells(acts.sheet, open),
    zoom = createZoomStage({ id: "detail-picture", over: cells.node });
  const [back, next, close] = [
    ["previous", icons.back],
    ["next", icons.next],
    ["close", icons.cross],
  ].map(([which, path]) => el("button", { type: "button", id: `detail-${which}`, class: "round" }, icon(path)));
  const side = el(
    "div",
    { class: "side" },
    el("header", {}, heading, back, next, close),
    acts.row,
    el("table", { id: "detail-recipe" }, table),
    el("section", { class: "parameters" }, parametersTitle, parameters),
  );
  const node = el("dialog", { id: "detail", tabindex: -1, "aria-labelledby": "detail-title" }, zoom.node, side);
  return { ...acts, zoom, cells, table, parameters, heading, parametersTitle, back, next, close, node };
}

/** What can be done with a picture. */
function createActs() {
  const use = el("button", { type: "button", id: "detail-use", class: "primary" });
  const seed = el("button", { type: "button", id: "detail-seed" });
  const turns = Object.entries(TURNS).map(([name, { run }]) => ({
    run,
    button: el("button", { type: "button", "data-act": name }),
  }));
  const sheet = el("button", { type: "button", id: "detail-sheet" });
  const start = el("button", { type: "button", id: "detail-start" });
  const film = el("button", { type: "button", id: "detail-film" });
  const enlarge = ["2x", "4x"].map((factor) =>
    el("button", { type: "button", id: `detail-enlarge-${factor}`, "data-factor": factor }),
  );
  const upscaler = createUpscalerChoice();
  const save = el("a", { id: "detail-download", class: "button" });
  const format = el(
    "select",
    { id: "detail-format" },
    ...["png", "jpg", "webp"].map((kind) => el("option", { value: kind }, kind.toUpperCase())),
  );
  const copy = el("button", { type: "button", id: "detail-copy" }),
    naming = createNaming();
  const row = el(
    "div",
    { class: "buttons" },
    use,
    seed,
    ...turns.map(({ button }) => button),
    start,
    film,
    sheet,
    el("span", { class: "joined" }, ...enlarge, upscaler.node),
    el("span", { class: "joined" }, save, format),
    naming.button,
    copy,
  );
  return { use, seed, turns, start, film, sheet, enlarge, upscaler, save, format, naming, copy, row };
}

/** @param {Parts} parts */
function say({
  zoom,
  heading,
  use,
  seed,
  turns,
  start,
  film,
  enlarge,
  upscaler,
  save,
  format,
  naming,
  copy,
  parametersTitle,
  back,
  next,
  close,
}) {
  zoom.say();
  heading.textContent = t("detail");
  use.textContent = t("detail.use");
  seed.textContent = t("detail.seed");
  for (const { button } of turns) button.textContent = t(TURNS[button.dataset.act ?? ""].word);
  start.textContent = t("detail.start");
  film.textContent = t("film.open");
  for (const button of enlarge) button.textContent = t("detail.enlarge", { factor: factorOf(button) });
  upscaler.render();
  save.textContent = t("detail.download");
  format.setAttribute("aria-label", t("detail.format"));
  naming.say();
  copy.textContent = t("detail.copy");
  parametersTitle.textContent = t("detail.parameters");
  name(back, t("detail.previous"));
  name(next, t("detail.next"));
  name(close, t("detail.close"));
}
/** @param {HTMLElement} button @param {string} text */
function name(button, text) {
  button.title = text;
  button.setAttribute("aria-label", text);
}
/** @param {HTMLElement} button */
const factorOf = (button) => parseInt(button.dataset.factor ?? "", 10);

/** @typedef {ReturnType<typeof createParts>} Parts */

/** `open(id)` shows a picture. */
export function createDetail() {
  const parts = createParts((wanted) => open(wanted)),
    { node } = parts;
  let id = "";
  /** @type {Recipe} */
  let recipe = {};
  const close = () => node.close();
  const place = () => state.pictures.findIndex((/** @type {Picture} */ one) => one.id === id);
  const offer = () => {
    nameDownload(parts.save, id, parts.format.value);
  };

  /** @param {string} wanted */
  async function open(wanted) {
    id = wanted;
    /** @type {Picture} */
    const known = state.pictures[place()] ?? { id };
    parts.zoom.show(source(known), request(known).prompt ?? "");
    offer();
    parts.upscaler.refresh();
    describe(known.recipe ?? {}, "");
    if (!node.open) {
      node.showModal();
      node.focus(); // not on the first button
    }
    try {
      const meta = await api(`images/${encodeURIComponent(id)}/meta`);
      if (id === wanted) describe(meta.recipe ?? known.recipe ?? {}, meta.parameters ?? "");
    } catch (error) {
      if (id === wanted) parts.parameters.textContent = /** @type {Error} */ (error).message;
    }
  }
  /** @param {Recipe} next @param {string} text as other tools read it */
  function describe(next, text) {
    recipe = next;
    say(parts);
    tell(parts, recipe, text);
    offerSteps(parts, place());
    parts.cells.show(id, recipe);
  }
  /** The pictures beside it, by buttons and arrow keys. @param {number} by */
  function walk(by) {
    const other = state.pictures[place() + by];
    if (other) open(other.id);
  }
  moves(parts, walk, close);
  parts.format.addEventListener("change", offer);
  parts.use.addEventListener("click", () => {
    useSettings(id);
    close();
  });
  for (const { button, run } of parts.turns)
    button.addEventListener("click", () => {
      close();
      run(id);
    });
  parts.seed.addEventListener("click", () => {
    applySettings({ seed: recipe.request?.seed ?? -1 });
    close();
  });
  parts.start.addEventListener("click", () => {
    close();
    begin(id);
  });
  parts.film.addEventListener("click", () => openFilm(id));
  for (const button of parts.enlarge)
    button.addEventListener("click", () => {
      close();
      enlargePicture(id, button.dataset.factor, parts.upscaler.node.value);
    });
  copies(parts);
  return { node, open };
}

/** What the picture was made with. @param {Parts} parts @param {Recipe} recipe @param {string} text */
function tell({ use, seed, turns, film, table, parameters, parametersTitle, copy }, recipe, text) {
  const derived = ["upscale", "guesses"].includes(recipe.generator ?? "");
  use.hidden = seed.hidden = derived;
  film.hidden = recipe.generator !== "text-to-image";
  for (const { button } of turns) {
    const variable = !derived && !recipe.request?.branch_from;
    button.hidden =
      ["grid", "guesses"].includes(recipe.generator ?? "") || (button.dataset.act === "vary" && !variable);
  }
  table.replaceChildren(...rows(recipe));
  parameters.textContent = text;
  parametersTitle.hidden = parameters.hidden = copy.hidden = !text;
}

/** Which pictures lie beside it, and how far it can be enlarged. @param {Parts} parts @param {number} place */
function offerSteps({ enlarge, back, next }, place) {
  const { width = 0, height = 0 } = state.pictures[place] ?? {};
  for (const button of enlarge) button.disabled = width * height * factorOf(button) ** 2 > LARGEST;
  back.disabled = place <= 0;
  next.disabled = place < 0 || place >= state.pictures.length - 1;
}

/** @param {Parts} parts @param {(by: number) => void} walk @param {() => void} leave */
function moves({ node, zoom, back, next, close }, walk, leave) {
  back.addEventListener("click", () => walk(-1));
  next.addEventListener("click", () => walk(1));
  close.addEventListener("click", leave);
  node.addEventListener("click", (event) => {
    if (event.target === node) leave();
  });
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target instanceof HTMLSelectElement) return;
    if (event.key === "ArrowLeft") walk(-1);
    else if (event.key === "ArrowRight") walk(1);
    else if (zoom.key(event.key)) event.preventDefault();
  });
}

/** Another picture begins from this one. @param {string} id */
async function begin(id) {
  const bytes = await blob(`images/${encodeURIComponent(id)}`);
  if (!bytes) return complain(t("error.server"));
  await startFrom(bytes);
  document.getElementById("prompt")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

/** @param {Parts} parts */
function copies({ copy, parameters }) {
  copy.addEventListener("click", async () => {
    await copyText(parameters);
    copy.textContent = t("detail.copied");
    setTimeout(() => {
      copy.textContent = t("detail.copy");
    }, 1500);
  });
}

/**
 * Pages that were opened over plain HTTP from another machine have no clipboard; selecting works there too.
 * @param {HTMLElement} node
 */
async function copyText(node) {
  getSelection()?.selectAllChildren(node);
  try {
    await navigator.clipboard.writeText(node.textContent ?? "");
  } catch {
    document.execCommand("copy");
  }
}
