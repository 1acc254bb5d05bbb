// The picture that a bench works on: a file, one from the gallery, one drawn here, or the bench's own.
import { el } from "./dom.js";
import { on } from "./events.js";
import { api, file as fetched, upload, url } from "./http.js";
import { t } from "./words.js";

const SHOWN = 12,
  SIDE = 256,
  BRUSH = 18;
const INKS = ["#1f1f1f", "#e2362d", "#f7c325", "#2f9e44", "#2856e0", "#8a2fb5", "#ffffff"];

// `chosen(id)` is called with the id of a kept picture, "" for the bench's own.
export function createPictureChooser(chosen) {
  const file = el("input", { type: "file", accept: "image/*", hidden: true });
  const names = ["file", "gallery", "draw", "own"];
  const buttons = Object.fromEntries(
    names.map((name) => [name, el("button", { type: "button", "data-picture": name })]),
  );
  const panel = el("div", { class: "picture-panel", hidden: true }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const node = el(
    "div",
    { class: "picture-chooser" },
    el("div", { class: "buttons" }, ...Object.values(buttons), file),
    panel,
    message,
  );
  let shown = "",
    speak = () => {}; // `speak` says what is on the panel again in another language

  function complain(text) {
    message.textContent = text;
    message.hidden = false;
  }
  async function bring(work) {
    message.hidden = true;
    try {
      await chosen(await work());
    } catch (error) {
      complain(error.message);
    }
  }
  const keep = (bytes) => bring(async () => (await upload(bytes)).id);
  function show(name, content, say) {
    shown = shown === name ? "" : name;
    panel.hidden = !shown;
    panel.replaceChildren(...(shown ? content : []));
    speak = say;
    speak();
    for (const [which, button] of Object.entries(buttons)) button.setAttribute("aria-expanded", which === shown);
  }
  buttons.file.addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files[0]) keep(file.files[0]);
    file.value = "";
  });
  buttons.own.addEventListener("click", () => bring(async () => ""));
  buttons.gallery.addEventListener("click", async () => {
    message.hidden = true;
    let images;
    try {
      ({ images } = await api(`images?limit=${SHOWN}`));
    } catch (error) {
      return complain(t("lab.picture.unread", { why: error.message }));
    }
    const address = (id) => `images/${encodeURIComponent(id)}`;
    const take = (id) => bring(async () => (await upload(await fetched(address(id)))).id);
    const tiles = images.map(({ id }) =>
      el(
        "button",
        { type: "button", class: "tile", onclick: () => take(id) },
        el("img", { src: url(address(id)), alt: "", loading: "lazy" }),
      ),
    );
    const none = el("p", { class: "help" });
    show("gallery", tiles.length ? tiles : [none], () => {
      none.textContent = t("lab.picture.none");
      tiles.forEach((tile, i) => tile.setAttribute("aria-label", `${t("lab.picture.gallery")} ${i + 1}`));
    });
  });
  buttons.draw.addEventListener("click", () => {
    const { parts, say: name } = easel(keep);
    show("draw", parts, name);
  });

  function say() {
    for (const name of names) buttons[name].textContent = t(`lab.picture.${name}`);
    speak();
  }
  on("language", say);
  say();
  return node;
}

// A white sheet and some inks; every stroke, once let go, is a new picture.
function easel(keep) {
  const sheet = el("canvas", { class: "easel", width: SIDE, height: SIDE, role: "img" });
  const pen = sheet.getContext("2d");
  const clear = () => {
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, SIDE, SIDE);
  };
  const done = () => sheet.toBlob(keep);
  const inks = INKS.map((ink) =>
    el("button", { type: "button", class: "ink", "aria-label": ink, onclick: () => dip(ink) }),
  );
  function dip(ink) {
    pen.strokeStyle = ink;
    inks.forEach((button, i) => {
      button.style.background = INKS[i];
      button.setAttribute("aria-pressed", INKS[i] === ink);
    });
  }
  Object.assign(pen, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round" });
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
    if (event.buttons) {
      pen.lineTo(...at(event));
      pen.stroke();
    }
  });
  sheet.addEventListener("pointerup", done);
  clear();
  dip(INKS[1]);
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
  return { parts: [sheet, el("div", { class: "inks" }, ...inks, empty)], say };
}
