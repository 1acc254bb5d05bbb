// The prompt while it is being written: how many tokens it has, and weights under Ctrl + up and down.
import { el } from "./dom.js";
import { on } from "./events.js";
import { post } from "./http.js";
import { weighed } from "./prompt_weights.js";
import { t } from "./words.js";

const WAIT = 300; // ms without a change before the tokens are counted
const STEP = 0.1;

let asked = null,
  timer = 0,
  turn = 0,
  syntax = "a1111",
  shown = null;
/** @type {(found?: any) => void} */
let show = () => {};

// Something that the count follows has changed.
export function countTokens(prompt, model, prompt_syntax, style) {
  syntax = prompt_syntax;
  asked = { prompt, model, prompt_syntax, style };
  clearTimeout(timer);
  timer = setTimeout(count, WAIT);
}
async function count() {
  const mine = ++turn;
  if (!asked.prompt.trim()) return show(null);
  try {
    const found = await post("prompt/tokens", asked);
    if (mine === turn) show(found);
  } catch (error) {
    if (mine === turn) show({ error: error.message });
  }
}
function said(found) {
  if (found.error) return found.error;
  const { tokens, room, chunks, left_out } = found;
  const full = Math.max(1, Math.ceil(tokens / room)) * room;
  return (
    t("tokens", { tokens, room: full }) +
    (chunks > 1 ? t("tokens.chunks", { chunks }) : "") +
    (left_out ? t("tokens.beyond", { left_out }) : "")
  );
}
export function mountTokens(root) {
  const line = el("p", { id: "token-count", role: "status", hidden: true });
  root.replaceChildren(line);
  show = (found) => {
    shown = found;
    line.hidden = !found;
    line.classList.toggle("beyond", Boolean(found?.error || found?.left_out));
    line.textContent = found ? said(found) : "";
    line.title = t("tokens.help");
  };
  on("language", () => show(shown));
  show(shown);
}

// --- weights ---
function weigh(field, change) {
  const edit = weighed(field.value, field.selectionStart, field.selectionEnd, change);
  if (!edit) return;
  replace(field, edit.from, edit.to, edit.text);
  field.setSelectionRange(edit.at, edit.at + edit.length);
}
// As if it had been typed, so that the browser can undo it and Gradio hears of it.
function replace(field, from, to, text) {
  field.setSelectionRange(from, to);
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!(event.ctrlKey || event.metaKey) || !["ArrowUp", "ArrowDown"].includes(event.key) || syntax === "plain") return;
  if (!(field instanceof HTMLTextAreaElement) || !field.matches("#prompt textarea, #negative-prompt textarea")) return;
  event.preventDefault();
  weigh(field, event.key === "ArrowUp" ? STEP : -STEP);
});
