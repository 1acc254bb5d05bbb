// The dialog with the settings of a picture or a pasted text: applied as a whole or in parts, or the picture is started
// from.
import { el, icon, icons } from "./dom.js";
import { createRows, unknownRows } from "./metadata_rows.js";
import { startFrom } from "./start.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/**
 * @typedef {{
 *   tool: string, settings: import("./fields.js").Settings, unknown: import("./metadata_rows.js").Unknown[],
 *   unsaid: import("./fields.js").Settings,
 * }} Metadata what the studio reads; `unsaid` is what the picture's silence means for all other fields
 * @typedef {ReturnType<typeof createParts>} Parts
 */

function createParts() {
  const heading = el("h2", { id: "metadata-title" }),
    tool = el("p", { class: "help", id: "metadata-tool" });
  const image = el("img", { alt: "" }),
    list = el("ul", { id: "metadata-settings" });
  const unknown = el("details", { id: "metadata-unknown" });
  const apply = el("button", { type: "button", id: "metadata-apply", class: "primary" });
  const start = el("button", { type: "button", id: "metadata-start" });
  const done = el("button", { type: "button", id: "metadata-done" });
  const close = el("button", { type: "button", class: "round" }, icon(icons.cross));
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

/** @param {Parts} parts @param {Metadata} metadata @param {File | null} file the picture, null for pasted text */
function say({ heading, tool, apply, start, done, close }, metadata, file) {
  heading.textContent = t(file ? "metadata" : "metadata.text");
  tool.textContent = metadata.tool ? t("metadata.tool", { tool: metadata.tool }) : t("metadata.nothing");
  start.textContent = t("metadata.start");
  start.hidden = !file;
  start.classList.toggle("primary", Boolean(apply.hidden));
  done.textContent = close.title = t("detail.close");
  close.setAttribute("aria-label", t("detail.close"));
}
/** @param {Parts} parts @param {Metadata} metadata */
function fill({ list, unknown, apply }, metadata) {
  const count = () => {
    apply.textContent = t("metadata.apply", { count: rows.chosen() });
    apply.disabled = !rows.chosen();
  };
  const rows = createRows(metadata, count);
  list.replaceChildren(...rows.nodes);
  list.hidden = apply.hidden = !rows.nodes.length;
  unknown.replaceChildren(
    el("summary", {}, t("metadata.unknown", { count: metadata.unknown.length })),
    el("ul", {}, ...unknownRows(metadata.unknown)),
  );
  unknown.hidden = !metadata.unknown.length;
  unknown.open = metadata.unknown.length > 0;
  count();
  return rows;
}

export function createMetadataPanel() {
  const parts = createParts(),
    { image, apply, start, done, close, node } = parts;
  /** @type {{ metadata: Metadata, file: File | null, rows: ReturnType<typeof createRows> } | null} */
  let now = null;

  /** @param {Metadata} metadata @param {File | null} file */
  function open(metadata, file) {
    now = { metadata, file, rows: fill(parts, metadata) };
    URL.revokeObjectURL(image.src);
    image.hidden = !file;
    if (file) image.src = URL.createObjectURL(file);
    say(parts, metadata, file);
    if (!node.open) node.showModal();
    (apply.hidden ? start : apply).focus();
  }
  apply.addEventListener("click", () => {
    node.close();
    if (now) applySettings(now.rows.taken());
  });
  start.addEventListener("click", () => {
    node.close();
    if (now?.file) startFrom(now.file);
  });
  [done, close].forEach((button) => button.addEventListener("click", () => node.close()));
  node.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    if (event.target === node) node.close();
  });
  return {
    node,
    open,
    // In another language.
    render() {
      if (!now || !node.open) return;
      now.rows = fill(parts, now.metadata);
      say(parts, now.metadata, now.file);
    },
  };
}
