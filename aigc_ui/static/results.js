// Pictures that were made, newest first, and the dialog with one picture and its recipe.
import { el, icon } from "./dom.js";
import { createUpscalerChoice, enlarge as enlargePicture, titled } from "./enlarge.js";
import { on } from "./events.js";
import { api, blob, url } from "./http.js";
import { olderPictures } from "./jobs.js";
import { complain } from "./message.js";
import { startFrom } from "./start.js";
import { state } from "./state.js";
import { applySettings } from "./wire.js";
import { has, language, t } from "./words.js";

const BACK = "M10 3L5 8l5 5", NEXT = "M6 3l5 5-5 5", CROSS = "M4 4l8 8M12 4l-8 8";
// What a recipe that says nothing of it was made with.
const UNSAID = { image: "", mask_image: "", guidance_curve: [], variation_strength: 0, seed_resize_width: 0, seed_resize_height: 0 };
const LARGEST = 4096;  // pixels a side, beyond which the studio does not enlarge
const source = (picture) => url(`images/${encodeURIComponent(picture.id)}`);
const request = (picture) => picture.recipe?.request ?? {};

export function mountResults(root) {
  const title = el("h2"), list = el("ul", { id: "results-list" }), empty = el("p", { class: "help" });
  const more = el("button", { type: "button", id: "results-more", class: "quiet", onclick: () => olderPictures() });
  const detail = dialog();
  root.replaceChildren(el("section", { class: "results" }, title, empty, list, more), detail.node);

  function tile(picture) {
    const prompt = titled(picture.recipe?.generator, request(picture));
    return el("li", { "data-id": picture.id },
      el("button", { type: "button", title: prompt, "aria-label": t("results.open", { prompt }), onclick: () => detail.open(picture.id) },
        el("img", { src: source(picture), alt: "", loading: "lazy", width: picture.width, height: picture.height }),
        picture.unfinished && el("span", { class: "badge" }, t("unfinished"))));
  }
  function render() {
    title.textContent = t("results");
    empty.textContent = t("results.empty");
    empty.hidden = state.pictures.length > 0;
    more.textContent = t("results.more");
    more.hidden = !state.more;
    const old = new Map([...list.children].map((item) => [item.dataset.id, item]));
    list.replaceChildren(...state.pictures.map((picture) => old.get(picture.id) ?? tile(picture)));
  }
  on("pictures", render);
  on("language", () => { list.replaceChildren(); render(); });
  on("open", (id) => detail.open(id));
  render();
}

// A picture that a recipe names, as long as the studio keeps it.
function kept(id) {
  const gone = () => image.replaceWith(t("detail.gone"));
  const image = el("img", { class: "kept", src: url(`inputs/${encodeURIComponent(id)}.png`), alt: "", onerror: () => gone() });
  return image;
}

// A field and its value as people read them.
export const named = (name) => (has(`field.${name}`) ? t(`field.${name}`) : name.replaceAll("_", " "));
export function valued(name, value) {
  if (/^(mask_|control_|ip_)?image$/.test(name)) return kept(value);
  if (Array.isArray(value)) return value.map((point) => point.join(" ")).join("; ");
  if (/^[xyz]_field$/.test(name) && has(`field.${value}`)) return t(`field.${value}`);
  const key = `choice.${name}.${value}`;
  return has(key) ? t(key) : typeof value === "number" ? String(+value.toPrecision(12)) : String(value);
}

// The rows of a recipe in the order of the controls, then what came with it.
const AS_EVERYWHERE = { prompt_syntax: "a1111", emphasis: "original", style: "none" };  // not worth a row
// What says nothing while the part of the request that it belongs to is not used.
/** @type {[RegExp, (request: any, value?: any) => any][]} */
const NEEDS = [
  [/^strength$/, ({ image }) => image],
  [/^variation_/, ({ variation_strength: strength }) => strength],
  [/^seed_resize_/, ({ seed_resize_width: width }) => width],
  [/^control_/, ({ control_model: model }) => model && model !== "none"],
  [/^control_(low|high)$/, ({ control_type: kind }) => kind === "canny"],
  [/^ip_/, ({ ip_model: model }) => model && model !== "none"],
  [/^hires_/, ({ hires_scale: scale }) => scale > 1],
  [/^(mask_blur|mask_fill|only_masked)$/, ({ mask_image: mask }) => mask],
  [/^masked_padding$/, ({ mask_image: mask, only_masked: only }) => mask && only],
  [/^(tile|outpaint_.*|beta_start|beta_end)$/, (_request, value) => value],
  [/^upscaler$/, ({ upscale, factor }) => factor || upscale !== "none"],
  [/^[xyz]_field$/, (_request, value) => value !== "none"],
];
function rows(recipe) {
  const idle = (name, value) => value === AS_EVERYWHERE[name]
    || NEEDS.some(([names, needed]) => names.test(name) && !needed(recipe.request, value));
  const counts = ([name, value]) => value !== "" && value != null && value.length !== 0 && !idle(name, value);
  const pairs = Object.entries(recipe.request ?? {}).filter(counts)
    .map(([name, value]) => [named(name), valued(name, value)]);
  if (recipe.template?.prompt) pairs.push([t("detail.template"), recipe.template.prompt]);
  if (recipe.unfinished) pairs.push([t("detail.unfinished"), `${recipe.unfinished.step} / ${recipe.unfinished.of}`]);
  if (recipe.notes?.length) pairs.push([t("detail.notes"), recipe.notes.join(" ")]);
  if (recipe.created) pairs.push([t("detail.created"), new Date(recipe.created).toLocaleString(language() === "zh" ? "zh-CN" : "en")]);
  return pairs.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)));
}

function dialog() {
  const picture = el("img", { id: "detail-picture", alt: "" });
  const table = el("tbody"), parameters = el("pre", { id: "detail-parameters", tabindex: 0 });
  const heading = el("h2"), parametersTitle = el("h3");
  const use = el("button", { type: "button", id: "detail-use", class: "primary" });
  const seed = el("button", { type: "button", id: "detail-seed" });
  const start = el("button", { type: "button", id: "detail-start" });
  const enlarge = ["2x", "4x"].map((factor) => el("button", { type: "button", id: `detail-enlarge-${factor}`, "data-factor": factor }));
  const upscaler = createUpscalerChoice();
  const save = el("a", { id: "detail-download", class: "button" });
  const format = el("select", { id: "detail-format" }, ...["png", "jpg", "webp"].map((kind) => el("option", { value: kind }, kind.toUpperCase())));
  const copy = el("button", { type: "button", id: "detail-copy" });
  const back = el("button", { type: "button", id: "detail-previous", class: "round" }, icon(BACK));
  const next = el("button", { type: "button", id: "detail-next", class: "round" }, icon(NEXT));
  const close = el("button", { type: "button", id: "detail-close", class: "round" }, icon(CROSS));
  const node = el("dialog", { id: "detail", "aria-labelledby": "detail-title" },
    el("div", { class: "frame" }, picture),
    el("div", { class: "side" },
      el("header", {}, heading, back, next, close),
      el("div", { class: "buttons" }, use, seed, start, el("span", { class: "joined" }, ...enlarge, upscaler.node), el("span", { class: "joined" }, save, format), copy),
      el("table", { id: "detail-recipe" }, table),
      el("section", { class: "parameters" }, parametersTitle, parameters)));
  heading.id = "detail-title";
  let id = null, recipe = {};

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
    heading.textContent = t("detail");
    use.textContent = t("detail.use");
    seed.textContent = t("detail.seed");
    use.hidden = seed.hidden = recipe.generator === "upscale";
    start.textContent = t("detail.start");
    enlarge.forEach((button) => { button.textContent = t("detail.enlarge", { factor: parseInt(button.dataset.factor, 10) }); });
    upscaler.render();
    save.textContent = t("detail.download");
    format.setAttribute("aria-label", t("detail.format"));
    copy.textContent = t("detail.copy");
    parametersTitle.textContent = t("detail.parameters");
    [[back, "previous"], [next, "next"], [close, "close"]].forEach(([button, key]) => {
      button.title = t(`detail.${key}`);
      button.setAttribute("aria-label", t(`detail.${key}`));
    });
    table.replaceChildren(...rows(recipe));
    parameters.textContent = text;
    parametersTitle.hidden = parameters.hidden = copy.hidden = !text;
    const place = state.pictures.findIndex((one) => one.id === id), { width = 0, height = 0 } = state.pictures[place] ?? {};
    enlarge.forEach((button) => { button.disabled = Math.max(width, height) * parseInt(button.dataset.factor, 10) > LARGEST; });
    back.disabled = place <= 0;
    next.disabled = place < 0 || place >= state.pictures.length - 1;
  }
  const walk = (by) => {
    const other = state.pictures[state.pictures.findIndex((one) => one.id === id) + by];
    if (other) open(other.id);
  };
  back.addEventListener("click", () => walk(-1));
  next.addEventListener("click", () => walk(1));
  close.addEventListener("click", () => node.close());
  node.addEventListener("click", (event) => { if (event.target === node) node.close(); });
  node.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") walk(-1);
    if (event.key === "ArrowRight") walk(1);
  });
  use.addEventListener("click", () => { applySettings({ ...UNSAID, ...recipe.request }); node.close(); });
  start.addEventListener("click", async () => {
    node.close();
    const bytes = await blob(`images/${encodeURIComponent(id)}`);
    if (!bytes) return complain(t("error.server"));
    await startFrom(bytes);
    document.getElementById("area-prompt").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  format.addEventListener("change", offer);
  enlarge.forEach((button) => button.addEventListener("click", () => { node.close(); enlargePicture(id, button.dataset.factor, upscaler.node.value); }));
  seed.addEventListener("click", () => { applySettings({ seed: recipe.request?.seed ?? -1 }); node.close(); });
  copy.addEventListener("click", async () => {
    await copyText(parameters);
    copy.textContent = t("detail.copied");
    setTimeout(() => { copy.textContent = t("detail.copy"); }, 1500);
  });
  return { node, open };
}

// Pages that were opened over plain HTTP from another machine have no clipboard; selecting works there too.
async function copyText(node) {
  getSelection().selectAllChildren(node);
  try { await navigator.clipboard.writeText(node.textContent); } catch { document.execCommand("copy"); }
}
