// A text file with one prompt a line goes into the box above it, to be read and changed before it is sent.
import { el, put } from "./dom.js";
import { on } from "./events.js";
import { t } from "./words.js";

const LARGEST = 80_000; // bytes that are read

/** @param {HTMLElement} root */
export function mountLinesFile(root) {
  const file = el("input", { type: "file", accept: ".txt,text/plain", id: "lines-choose" });
  const name = el("span"),
    label = el("label", { class: "button" }, name, file);
  root.replaceChildren(el("div", { id: "lines-panel" }, label));
  file.addEventListener("change", async () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (chosen) put("prompt-lines", await chosen.slice(0, LARGEST).text());
  });
  const render = () => {
    name.textContent = t("lines.file");
  };
  on("language", render);
  render();
}
