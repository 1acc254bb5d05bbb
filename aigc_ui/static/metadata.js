// How a picture or a pasted text says that it was made: read by the studio, shown, and applied as a whole or in parts.
import { around, el, icon } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { complain } from "./message.js";
import { named, valued } from "./recipe_rows.js";
import { remark } from "./sentences.js";
import { startFrom } from "./start.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

const CROSS = "M4 4l8 8M12 4l-8 8";
const INFOTEXT = /^\s*Steps: \d+, /m;
const TOGETHER = { mask_image: "image" }; // fields that are taken with another one
let panel = null;

// A picture that was dropped, chosen or pasted: { tool, settings, unknown }.
const read = (body, type) => api("metadata", { method: "POST", headers: { "content-type": type }, body });
async function readPicture(file) {
  try {
    panel.open(await read(file, file.type || "application/octet-stream"), file);
  } catch (error) {
    complain(error.message);
  }
}
async function readText(text) {
  try {
    const found = await read(text, "text/plain");
    if (Object.keys(found.settings).length) panel.open(found, null);
  } catch (error) {
    complain(error.message);
  }
}
on("picture-dropped", readPicture);
document.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (around(event, "#prompt") && INFOTEXT.test(text)) readText(text);
});

export function mountReadSettings(root) {
  const choose = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", id: "metadata-file" });
  const name = el("span");
  panel = dialog();
  root.replaceChildren(el("label", { id: "metadata-read" }, choose, name), panel.node);
  choose.addEventListener("change", () => {
    if (choose.files[0]) readPicture(choose.files[0]);
    choose.value = "";
  });
  const render = () => {
    name.textContent = t("metadata.read");
    panel.render();
  };
  on("language", render);
  on("sentences", render);
  render();
}

// What is worth a row: not the strength of a start picture that there is none of, nor what goes with another field.
const rowsOf = (settings) =>
  Object.keys(settings).filter(
    (name) => !(name in TOGETHER && TOGETHER[name] in settings) && !(name === "strength" && settings.image === ""),
  );

function createParts() {
  const heading = el("h2", { id: "metadata-title" }),
    tool = el("p", { class: "help", id: "metadata-tool" });
  const image = el("img", { alt: "" }),
    list = el("ul", { id: "metadata-settings" });
  const unknown = el("details", { id: "metadata-unknown" });
  const apply = el("button", { type: "button", id: "metadata-apply", class: "primary" });
  const start = el("button", { type: "button", id: "metadata-start" });
  const done = el("button", { type: "button", id: "metadata-done" });
  const close = el("button", { type: "button", class: "round" }, icon(CROSS));
  const node = el(
    "dialog",
    { id: "metadata", "aria-labelledby": "metadata-title" },
    el("header", {}, image, el("div", {}, heading, tool), close),
    list,
    unknown,
    el("div", { class: "buttons" }, apply, start, done),
  );
  return { heading, tool, image, list, unknown, apply, start, done, close, node };
}
function dialog() {
  const { heading, tool, image, list, unknown, apply, start, done, close, node } = createParts();
  let found = null,
    file = null,
    boxes = [],
    all = null;

  const row = (box, ...parts) => el("li", {}, el("label", {}, box, ...parts));
  const checkbox = (name) => el("input", { type: "checkbox", checked: true, "data-field": name });
  function fill() {
    const names = rowsOf(found.settings);
    boxes = names.map(checkbox);
    all = checkbox(null);
    const value = (name) => (found.settings[name] === "" ? t("metadata.none") : valued(name, found.settings[name]));
    list.replaceChildren(
      ...names.map((name, i) => row(boxes[i], el("b", {}, named(name)), el("span", {}, value(name)))),
    );
    if (names.length > 1) list.prepend(row(all, el("b", {}, t("metadata.all"))));
    unknown.replaceChildren(
      el("summary", {}, t("metadata.unknown", { count: found.unknown.length })),
      el(
        "ul",
        {},
        ...found.unknown.map((one) =>
          el(
            "li",
            {},
            el("b", {}, named(one.name)),
            el("span", {}, one.value, one.why && el("small", {}, remark(one.why))),
          ),
        ),
      ),
    );
    unknown.hidden = !found.unknown.length;
    unknown.open = found.unknown.length > 0;
    list.hidden = apply.hidden = !names.length;
  }
  function count() {
    const chosen = boxes.filter((box) => box.checked).length;
    apply.textContent = t("metadata.apply", { count: chosen });
    apply.disabled = !chosen;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  function render() {
    if (!found) return;
    heading.textContent = t(file ? "metadata" : "metadata.text");
    tool.textContent = found.tool ? t("metadata.tool", { tool: found.tool }) : t("metadata.nothing");
    start.textContent = t("metadata.start");
    start.hidden = !file;
    start.classList.toggle("primary", apply.hidden);
    done.textContent = close.title = t("detail.close");
    close.setAttribute("aria-label", t("detail.close"));
  }
  function open(said, picture) {
    [found, file] = [said, picture];
    URL.revokeObjectURL(image.src);
    image.hidden = !file;
    if (file) image.src = URL.createObjectURL(file);
    fill();
    count();
    render();
    if (!node.open) node.showModal();
    (apply.hidden ? start : apply).focus();
  }
  list.addEventListener("change", (event) => {
    if (event.target === all)
      boxes.forEach((box) => {
        box.checked = all.checked;
      });
    count();
  });
  apply.addEventListener("click", () => {
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.field));
    const taken = ([name, _]) => chosen.has(TOGETHER[name] in found.settings ? TOGETHER[name] : name);
    node.close();
    applySettings(Object.fromEntries(Object.entries(found.settings).filter(taken)));
  });
  start.addEventListener("click", () => {
    node.close();
    startFrom(file);
  });
  [done, close].forEach((button) => button.addEventListener("click", () => node.close()));
  node.addEventListener("click", (event) => {
    if (event.target === node) node.close();
  });
  return {
    node,
    open,
    render: () => {
      if (found && node.open) {
        fill();
        count();
        render();
      }
    },
  };
}
