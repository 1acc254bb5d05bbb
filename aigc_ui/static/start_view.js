// The start picture as the page shows it: a place to drop one, then its thumbnail with the mask, and what can be done.
import { el, icon, icons } from "./dom.js";
import { url } from "./http.js";
import { createOutpaint } from "./outpaint.js";
import { source } from "./picture_field.js";
import { t } from "./words.js";

/**
 * @typedef {import("./picture_field.js").Kept} Kept
 * @typedef {{ picture: Kept | null, mask: Kept | null, busy: boolean, gone: boolean }} State
 * @typedef {ReturnType<typeof createParts>} Parts
 */

function createParts() {
  const outpaint = createOutpaint();
  const choose = el("input", { type: "file", accept: "image/*", id: "start-file" });
  const name = el("b"),
    how = el("span", { class: "help" }),
    alas = el("p", { class: "alas", role: "alert" });
  const drop = el("label", { class: "drop" }, choose, name, how);
  const image = el("img", { alt: "" }),
    tint = el("span", { class: "tint" });
  const thumb = el("button", { type: "button", id: "start-thumb", class: "thumb" }, image, tint);
  const heading = el("b"),
    figures = el("span", { class: "help figures" });
  const paint = el("button", { type: "button", id: "start-mask" }),
    whole = el("button", { type: "button", id: "start-unmask" });
  const remove = el("button", { type: "button", id: "start-remove", class: "small" }, icon(icons.cross));
  const titles = el("div", { class: "name" }, heading, figures),
    buttons = el("div", { class: "buttons" }, paint, whole);
  const chosen = el("div", { class: "chosen" }, thumb, el("div", { class: "side" }, titles, buttons), remove);
  const node = el("section", { id: "start-panel" }, drop, chosen, outpaint.node, alas);
  return {
    outpaint,
    choose,
    name,
    how,
    alas,
    drop,
    image,
    tint,
    thumb,
    heading,
    figures,
    paint,
    whole,
    remove,
    chosen,
    node,
  };
}

/** @param {Parts} parts @param {State} state */
function say({ node, name, how, alas, heading, paint, thumb, whole, remove }, { mask, busy }) {
  const paintMask = t(mask ? "mask.edit" : "mask.paint");
  node.setAttribute("aria-label", t("start"));
  name.textContent = t("start");
  how.textContent = t(busy ? "start.busy" : "start.how");
  alas.textContent = t("start.gone");
  heading.textContent = t(mask ? "start.masked" : "start.picture");
  paint.textContent = thumb.title = paintMask;
  thumb.setAttribute("aria-label", paintMask);
  whole.textContent = t("mask.remove");
  remove.title = t("start.remove");
  remove.setAttribute("aria-label", t("start.remove"));
}

/** @param {Parts} parts @param {State} state */
function show(parts, state) {
  const { node, drop, chosen, outpaint, alas, whole, tint, figures, image } = parts,
    { picture, mask, busy, gone } = state;
  say(parts, state);
  drop.hidden = Boolean(picture);
  chosen.hidden = outpaint.node.hidden = !picture;
  alas.hidden = !gone;
  node.classList.toggle("busy", busy);
  whole.hidden = tint.hidden = !mask;
  if (!picture) return;
  figures.textContent = `${picture.width} × ${picture.height}`;
  const address = url(source(picture.id));
  if (image.src !== address) image.src = address;
  outpaint.show(address);
  tint.style.maskImage = mask ? `url("${url(source(mask.id))}")` : "";
}

/**
 * @param {{
 *   choose: (file: File) => void, paint: () => Promise<void>, unmask: () => void, remove: () => void,
 * }} actions
 */
export function createStartView({ choose, paint, unmask, remove }) {
  const parts = createParts();
  async function edit() {
    await paint();
    parts.paint.focus();
  }
  parts.choose.addEventListener("change", () => {
    const file = parts.choose.files?.[0];
    if (file) choose(file);
    parts.choose.value = "";
  });
  parts.paint.addEventListener("click", edit);
  parts.thumb.addEventListener("click", edit);
  parts.whole.addEventListener("click", unmask);
  parts.remove.addEventListener("click", () => {
    remove();
    parts.choose.focus();
  });
  /** @param {State} state */
  const render = (state) => show(parts, state);
  return { node: parts.node, show: render, paint: edit };
}
