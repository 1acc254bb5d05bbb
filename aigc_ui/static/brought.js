// Pictures that are dropped on the page or pasted, but not behind an open dialog: onto a place for one as its picture,
// elsewhere to be read; a pasted one is the start.
import { around } from "./dom.js";
import { emit } from "./events.js";
import { complain } from "./message.js";
import { startFrom } from "./start.js";
import { t } from "./words.js";

/** @param {DataTransfer | null} data */
const pictureIn = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
/** @param {DragEvent} event */
const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
/** @param {boolean} over */
const hover = (over) => document.documentElement.classList.toggle("dropping", over);
const behindDialog = () => document.querySelector("dialog[open]") !== null;

document.addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  hover(true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) hover(false);
});
document.addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  hover(false);
  const file = pictureIn(event.dataTransfer);
  if (behindDialog()) return;
  if (!file) return complain(t("start.none"));
  if (around(event, "#start-panel")) return startFrom(file);
  const taker = around(event, ".takes-picture");
  if (taker) taker.dispatchEvent(new CustomEvent("picture", { detail: file }));
  else emit("picture-dropped", file);
});
document.addEventListener("paste", (event) => {
  const file = pictureIn(event.clipboardData);
  if (!file || event.clipboardData?.getData("text/plain") || behindDialog()) return;
  event.preventDefault();
  startFrom(file);
});
