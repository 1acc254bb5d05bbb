// How a picture or a pasted text says that it was made: read by the studio, and offered to be applied.
import { around, el } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { complain } from "./message.js";
import { createMetadataPanel } from "./metadata_panel.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

/** @typedef {import("./metadata_panel.js").Metadata} Metadata */

const INFOTEXT = /^\s*Steps: \d+, /m;
/** @type {ReturnType<typeof createMetadataPanel> | null} */
let panel = null;

/**
 * A picture that was dropped or chosen, or text.
 * @param {Blob | string} body
 * @param {string} type
 * @returns {Promise<Metadata>}
 */
const read = (body, type) => api("metadata", { method: "POST", headers: { "content-type": type }, body });
/** @param {File} file */
async function readPicture(file) {
  try {
    panel?.open(await read(file, file.type || "application/octet-stream"), file);
  } catch (error) {
    complain(wording(error));
  }
}
/** @param {string} text */
async function readText(text) {
  try {
    const metadata = await read(text, "text/plain");
    if (Object.keys(metadata.settings).length) panel?.open(metadata, null);
  } catch (error) {
    complain(wording(error));
  }
}
on("picture-dropped", readPicture);
document.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (around(event, "#prompt") && INFOTEXT.test(text)) readText(text);
});

/** @param {HTMLElement} root */
export function mountReadSettings(root) {
  const choose = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", id: "metadata-file" });
  const name = el("span");
  panel = createMetadataPanel();
  root.replaceChildren(el("label", { id: "metadata-read" }, choose, name), panel.node);
  choose.addEventListener("change", () => {
    const file = choose.files?.[0];
    if (file) readPicture(file);
    choose.value = "";
  });
  const render = () => {
    name.textContent = t("metadata.read");
    panel?.render();
  };
  on("language", render);
  on("sentences", render);
  render();
}
