// The picture to start from, and the mask of what is painted anew in it: chosen, shown, kept in the request's fields.
import { around, el, icon, put } from "./dom.js";
import { emit, on } from "./events.js";
import { blob, upload, url } from "./http.js";
import { createMaskEditor } from "./mask_editor.js";
import { remember } from "./memory.js";
import { complain } from "./message.js";
import { createOutpaint } from "./outpaint.js";
import { t } from "./words.js";

const CROSS = "M4 4l8 8M12 4l-8 8";
const source = (id) => `inputs/${encodeURIComponent(id)}.png`;

let picture = null,
  mask = "",
  gone = false,
  busy = null,
  editor = null;

function set(next, nextMask = "", missing = false) {
  picture = next;
  mask = nextMask;
  gone = missing;
  const values = { image: picture?.id ?? "", mask_image: mask };
  put("image", values.image);
  put("mask-image", values.mask_image);
  for (const [name, value] of Object.entries(values)) remember(`draft.${name}`, value);
  document.documentElement.classList.toggle("with-start", Boolean(picture));
  document.documentElement.classList.toggle("with-mask", Boolean(mask));
  if (!picture) emit("no-start");
  emit("start");
}

// Only the last of several that run counts; Generate waits for it.
async function during(work) {
  const mine = (busy = { over: null });
  emit("start");
  mine.over = work(() => busy === mine).then(
    () => true,
    (error) => {
      complain(error.message);
      return false;
    },
  );
  await mine.over;
  if (busy === mine) busy = null;
  emit("start");
}
document.addEventListener(
  "click",
  (event) => {
    const button = around(event, "#generate");
    if (!button || !busy) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    busy.over.then((well) => {
      if (well) setTimeout(() => button.click());
    });
  },
  true,
);

// Lines drawn by hand, from those that were drawn before, in the same editor.
export const drawLines = (before) => editor.draw(before);

export const startFrom = (bytes) =>
  during(async (current) => {
    const kept = await upload(bytes);
    if (current()) set(kept);
  });
const maskWith = (bytes) =>
  during(async (current) => {
    const id = bytes ? (await upload(bytes)).id : "";
    if (current()) set(picture, id);
  });
// What a recipe or the last visit started from, as far as the studio still has it.
const bring = (image, maskImage) =>
  during(async (current) => {
    const look = (id) => blob(source(id), { cache: "no-cache" }); // the browser's copy would hide that it is gone
    const [found, foundMask] = await Promise.all([look(image), maskImage ? look(maskImage) : null]);
    const { width, height } = found ? await createImageBitmap(found) : {};
    if (current())
      set(
        found && { id: image, width, height },
        found && foundMask ? maskImage : "",
        !found || (Boolean(maskImage) && !foundMask),
      );
  });
on("settings", ({ image, mask_image: maskImage }) => {
  if (image) bring(image, maskImage);
  else if (image === "") {
    busy = null;
    set(null);
  }
});

// --- from outside, but not behind an open dialog: onto this panel as the start, elsewhere to be read ---
const pictureIn = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const hover = (over) => document.documentElement.classList.toggle("dropping", over);
document.addEventListener("dragover", (event) => {
  if (carries(event)) {
    event.preventDefault();
    hover(true);
  }
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) hover(false);
});
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  hover(false);
  const file = pictureIn(event.dataTransfer);
  if (document.querySelector("dialog[open]")) return;
  if (!file) complain(t("start.none"));
  else if (around(event, "#start-panel")) startFrom(file);
  else {
    const taker = around(event, ".takes-picture");
    if (taker) taker.dispatchEvent(new CustomEvent("picture", { detail: file }));
    else emit("picture-dropped", file);
  }
});
document.addEventListener("paste", (event) => {
  const file = pictureIn(event.clipboardData);
  if (!file || event.clipboardData.getData("text/plain") || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  startFrom(file);
});

export function mountStart(root) {
  const outpaint = createOutpaint();
  editor = createMaskEditor();
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
  const remove = el("button", { type: "button", id: "start-remove", class: "small" }, icon(CROSS));
  const chosen = el(
    "div",
    { class: "chosen" },
    thumb,
    el(
      "div",
      { class: "side" },
      el("div", { class: "name" }, heading, figures),
      el("div", { class: "buttons" }, paint, whole),
    ),
    remove,
  );
  const panel = el("section", { id: "start-panel" }, drop, chosen, outpaint.node, alas);
  root.replaceChildren(panel, editor.node);

  function render() {
    drop.hidden = Boolean(picture);
    chosen.hidden = outpaint.node.hidden = !picture;
    alas.hidden = !gone;
    panel.classList.toggle("busy", Boolean(busy));
    panel.setAttribute("aria-label", t("start"));
    name.textContent = t("start");
    how.textContent = t(busy ? "start.busy" : "start.how");
    alas.textContent = t("start.gone");
    heading.textContent = t(mask ? "start.masked" : "start.picture");
    paint.textContent = thumb.title = t(mask ? "mask.edit" : "mask.paint");
    thumb.setAttribute("aria-label", t(mask ? "mask.edit" : "mask.paint"));
    whole.textContent = t("mask.remove");
    whole.hidden = tint.hidden = !mask;
    remove.title = t("start.remove");
    remove.setAttribute("aria-label", t("start.remove"));
    if (!picture) return;
    figures.textContent = `${picture.width} × ${picture.height}`;
    const address = url(source(picture.id));
    if (image.src !== address) image.src = address;
    outpaint.show(address);
    tint.style.maskImage = mask ? `url("${url(source(mask))}")` : "";
  }
  async function edit() {
    const kept = mask ? await blob(source(mask)) : null;
    const painted = await editor.open(url(source(picture.id)), picture, kept);
    if (painted !== kept) maskWith(painted);
    paint.focus();
  }
  choose.addEventListener("change", () => {
    if (choose.files[0]) startFrom(choose.files[0]);
    choose.value = "";
  });
  paint.addEventListener("click", edit);
  thumb.addEventListener("click", edit);
  whole.addEventListener("click", () => set(picture));
  remove.addEventListener("click", () => {
    set(null);
    choose.focus();
  });
  on("start", render);
  on("language", render);
  render();
}
