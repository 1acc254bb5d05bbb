// The picture that a bench works on: a file, one from the gallery, one drawn here, or the bench's own.
import { context, el } from "./dom.js";
import { on } from "./events.js";
import { api, file as fetched, upload, url } from "./http.js";
import { t } from "./words.js";

const SHOWN = 12,
  SIDE = 256,
  BRUSH = 18;
const INKS = ["#1f1f1f", "#e2362d", "#f7c325", "#2f9e44", "#2856e0", "#8a2fb5", "#ffffff"];

/** @param {(id: string) => unknown} chosen is called with the id of a kept picture, "" for the bench's own */
export function createPictureChooser(chosen) {
  const file = el("input", { type: "file", accept: "image/*", hidden: true });
  const [fileButton, gallery, draw, own] = ["file", "gallery", "draw", "own"].map((name) =>
    el("button", { type: "button", "data-picture": name }),
  );
  const buttons = [fileButton, gallery, draw, own];
  const panel = createPanel(buttons),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const node = el(
    "div",
    { class: "picture-chooser" },
    el("div", { class: "buttons" }, ...buttons, file),
    panel.node,
    message,
  );

  /** @param {string} text */
  function complain(text) {
    message.textContent = text;
    message.hidden = false;
  }
  /** @param {() => Promise<string>} work whose answer is the id of a kept picture */
  async function bring(work) {
    message.hidden = true;
    try {
      await chosen(await work());
    } catch (error) {
      complain(/** @type {Error} */ (error).message);
    }
  }
  const keep = (/** @type {Blob} */ bytes) => bring(async () => (await upload(bytes)).id);
  fileButton.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files?.[0]) keep(file.files[0]);
    file.value = "";
  });
  own.addEventListener("click", () => bring(async () => ""));
  gallery.addEventListener("click", async () => {
    message.hidden = true;
    try {
      panel.show("gallery", await tilesOf((address) => bring(async () => (await upload(await fetched(address))).id)));
    } catch (error) {
      complain(t("lab.picture.unread", { why: /** @type {Error} */ (error).message }));
    }
  });
  draw.addEventListener("click", () => panel.show("draw", easel(keep)));

  function say() {
    for (const button of buttons) button.textContent = t(`lab.picture.${button.dataset.picture}`);
    panel.say();
  }
  on("language", say);
  say();
  return node;
}

/** @typedef {{ parts: HTMLElement[], say: () => void }} Content `say` says what is on it in the language of now */

/** What opens below the buttons, and closes when its button is pressed again. @param {HTMLButtonElement[]} buttons */
function createPanel(buttons) {
  const node = el("div", { class: "picture-panel", hidden: true });
  let shown = "",
    speak = () => {};
  /** @param {string} name @param {Content} content */
  function show(name, { parts, say }) {
    shown = shown === name ? "" : name;
    node.hidden = !shown;
    node.replaceChildren(...(shown ? parts : []));
    speak = say;
    speak();
    for (const button of buttons) button.setAttribute("aria-expanded", String(button.dataset.picture === shown));
  }
  return { node, show, say: () => speak() };
}

/** The newest pictures of the gallery. @param {(address: string) => void} take @returns {Promise<Content>} */
async function tilesOf(take) {
  /** @type {{ images: { id: string }[] }} */
  const { images } = await api(`images?limit=${SHOWN}`);
  const addresses = images.map(({ id }) => `images/${encodeURIComponent(id)}`);
  const tiles = addresses.map((address) =>
    el(
      "button",
      { type: "button", class: "tile", onclick: () => take(address) },
      el("img", { src: url(address), alt: "", loading: "lazy" }),
    ),
  );
  const none = el("p", { class: "help" });
  return {
    parts: tiles.length ? tiles : [none],
    say: () => {
      none.textContent = t("lab.picture.none");
      tiles.forEach((tile, i) => {
        tile.setAttribute("aria-label", `${t("lab.picture.gallery")} ${i + 1}`);
      });
    },
  };
}

/** A white sheet and some inks; every stroke, once let go, is a new picture. @param {(bytes: Blob) => void} keep @returns {Content} */
function easel(keep) {
  const sheet = el("canvas", { class: "easel", width: SIDE, height: SIDE, role: "img" });
  const pen = context(sheet);
  const clear = () => {
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, SIDE, SIDE);
  };
  const done = () => sheet.toBlob((bytes) => bytes && keep(bytes));
  Object.assign(pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
  draws(sheet, pen);
  sheet.addEventListener("pointerup", done);
  clear();
  const empty = el("button", {
    type: "button",
    onclick: () => {
      clear();
      done();
    },
  });
  function say() {
    sheet.setAttribute("aria-label", t("lab.picture.draw"));
    empty.textContent = t("lab.picture.clear");
  }
  return { parts: [sheet, el("div", { class: "inks" }, ...inksOf(pen), empty)], say };
}

/** Buttons for the inks; the second one is dipped into at first. @param {CanvasRenderingContext2D} pen */
function inksOf(pen) {
  const inks = INKS.map((ink) =>
    el("button", { type: "button", class: "ink", "aria-label": ink, onclick: () => dip(ink) }),
  );
  /** @param {string} ink */
  function dip(ink) {
    pen.strokeStyle = ink;
    inks.forEach((button, i) => {
      button.style.background = INKS[i];
      button.setAttribute("aria-pressed", String(INKS[i] === ink));
    });
  }
  dip(INKS[1]);
  return inks;
}

/** The pen follows the pointer over the sheet. @param {HTMLCanvasElement} sheet @param {CanvasRenderingContext2D} pen */
function draws(sheet, pen) {
  /** @param {PointerEvent} event @returns {[number, number]} */
  const at = (event) => {
    const box = sheet.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  sheet.addEventListener("pointerdown", (event) => {
    sheet.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...at(event));
    pen.lineTo(...at(event));
    pen.stroke();
  });
  sheet.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    pen.lineTo(...at(event));
    pen.stroke();
  });
}
