// The dialog with one picture and its recipe, and what can be done with it.
import { el, icon } from "./dom.js";
import { createUpscalerChoice, enlarge as enlargePicture } from "./enlarge.js";
import { api, blob, url } from "./http.js";
import { complain } from "./message.js";
import { rows } from "./recipe_rows.js";
import { startFrom } from "./start.js";
import { state } from "./state.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

const BACK = "M10 3L5 8l5 5",
  NEXT = "M6 3l5 5-5 5",
  CROSS = "M4 4l8 8M12 4l-8 8";
// What a recipe that says nothing of it was made with.
const UNSAID = {
  image: "",
  mask_image: "",
  guidance_curve: [],
  variation_strength: 0,
  seed_resize_width: 0,
  seed_resize_height: 0,
};
const LARGEST = 4096; // pixels a side, beyond which the studio does not enlarge
export const source = (picture) => url(`images/${encodeURIComponent(picture.id)}`);
export const request = (picture) => picture.recipe?.request ?? {};

function createParts() {
  const picture = el("img", { id: "detail-picture", alt: "" });
  const table = el("tbody"),
    parameters = el("pre", { id: "detail-parameters", tabindex: 0 });
  const heading = el("h2", { id: "detail-title" }),
    parametersTitle = el("h3");
  const use = el("button", { type: "button", id: "detail-use", class: "primary" });
  const seed = el("button", { type: "button", id: "detail-seed" });
  const start = el("button", { type: "button", id: "detail-start" });
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
  const copy = el("button", { type: "button", id: "detail-copy" });
  const back = el("button", { type: "button", id: "detail-previous", class: "round" }, icon(BACK));
  const next = el("button", { type: "button", id: "detail-next", class: "round" }, icon(NEXT));
  const close = el("button", { type: "button", id: "detail-close", class: "round" }, icon(CROSS));
  const node = el(
    "dialog",
    { id: "detail", "aria-labelledby": "detail-title" },
    el("div", { class: "frame" }, picture),
    el(
      "div",
      { class: "side" },
      el("header", {}, heading, back, next, close),
      el(
        "div",
        { class: "buttons" },
        use,
        seed,
        start,
        el("span", { class: "joined" }, ...enlarge, upscaler.node),
        el("span", { class: "joined" }, save, format),
        copy,
      ),
      el("table", { id: "detail-recipe" }, table),
      el("section", { class: "parameters" }, parametersTitle, parameters),
    ),
  );
  return {
    picture,
    table,
    parameters,
    heading,
    parametersTitle,
    use,
    seed,
    start,
    enlarge,
    upscaler,
    save,
    format,
    copy,
    back,
    next,
    close,
    node,
  };
}
function say({ heading, use, seed, start, enlarge, upscaler, save, format, copy, parametersTitle, back, next, close }) {
  heading.textContent = t("detail");
  use.textContent = t("detail.use");
  seed.textContent = t("detail.seed");
  start.textContent = t("detail.start");
  enlarge.forEach((button) => {
    button.textContent = t("detail.enlarge", { factor: parseInt(button.dataset.factor, 10) });
  });
  upscaler.render();
  save.textContent = t("detail.download");
  format.setAttribute("aria-label", t("detail.format"));
  copy.textContent = t("detail.copy");
  parametersTitle.textContent = t("detail.parameters");
  [
    [back, "previous"],
    [next, "next"],
    [close, "close"],
  ].forEach(([button, key]) => {
    button.title = t(`detail.${key}`);
    button.setAttribute("aria-label", t(`detail.${key}`));
  });
}

// `open(id)` shows a picture.
export function createDetail() {
  const all = createParts();
  const {
    picture,
    table,
    parameters,
    parametersTitle,
    use,
    seed,
    start,
    enlarge,
    upscaler,
    save,
    format,
    copy,
    back,
    next,
    close,
    node,
  } = all;
  let id = null,
    recipe = {};

  async function open(wanted) {
    id = wanted;
    const known = state.pictures.find((one) => one.id === id) ?? { id };
    picture.src = source(known);
    picture.alt = request(known).prompt ?? "";
    offer();
    upscaler.refresh();
    describe(known.recipe ?? {}, "");
    if (!node.open) node.showModal();
    try {
      const meta = await api(`images/${encodeURIComponent(id)}/meta`);
      if (id === wanted) describe(meta.recipe ?? known.recipe ?? {}, meta.parameters ?? "");
    } catch (error) {
      if (id === wanted) parameters.textContent = error.message;
    }
  }
  function offer() {
    save.href = `${source({ id })}.${format.value}`;
    save.download = `${id}.${format.value}`;
  }
  function describe(newRecipe, text) {
    recipe = newRecipe;
    say(all);
    use.hidden = seed.hidden = recipe.generator === "upscale";
    table.replaceChildren(...rows(recipe));
    parameters.textContent = text;
    parametersTitle.hidden = parameters.hidden = copy.hidden = !text;
    const place = state.pictures.findIndex((one) => one.id === id),
      { width = 0, height = 0 } = state.pictures[place] ?? {};
    enlarge.forEach((button) => {
      button.disabled = Math.max(width, height) * parseInt(button.dataset.factor, 10) > LARGEST;
    });
    back.disabled = place <= 0;
    next.disabled = place < 0 || place >= state.pictures.length - 1;
  }
  // The pictures beside it, by buttons and arrow keys.
  const walk = (by) => {
    const other = state.pictures[state.pictures.findIndex((one) => one.id === id) + by];
    if (other) open(other.id);
  };
  back.addEventListener("click", () => walk(-1));
  next.addEventListener("click", () => walk(1));
  close.addEventListener("click", () => node.close());
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") walk(-1);
    if (event.key === "ArrowRight") walk(1);
  });
  use.addEventListener("click", () => {
    applySettings({ ...UNSAID, ...recipe.request });
    node.close();
  });
  start.addEventListener("click", async () => {
    node.close();
    const bytes = await blob(`images/${encodeURIComponent(id)}`);
    if (!bytes) return complain(t("error.server"));
    await startFrom(bytes);
    document.getElementById("area-prompt").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  format.addEventListener("change", offer);
  enlarge.forEach((button) =>
    button.addEventListener("click", () => {
      node.close();
      enlargePicture(id, button.dataset.factor, upscaler.node.value);
    }),
  );
  seed.addEventListener("click", () => {
    applySettings({ seed: recipe.request?.seed ?? -1 });
    node.close();
  });
  copy.addEventListener("click", async () => {
    await copyText(parameters);
    copy.textContent = t("detail.copied");
    setTimeout(() => {
      copy.textContent = t("detail.copy");
    }, 1500);
  });
  return { node, open };
}

// Pages that were opened over plain HTTP from another machine have no clipboard; selecting works there too.
async function copyText(node) {
  getSelection().selectAllChildren(node);
  try {
    await navigator.clipboard.writeText(node.textContent);
  } catch {
    document.execCommand("copy");
  }
}
