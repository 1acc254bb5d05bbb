// The prompt while it is being written: how many tokens it has, and weights under Ctrl + up and down.
import { el } from "./dom.js";
import { on } from "./events.js";
import { post } from "./http.js";
import { t } from "./words.js";

const WAIT = 300;  // ms without a change before the tokens are counted
const STEP = 0.1;
const WORD = /[^\s,()[\]{}|:]/;

let asked = null, timer = 0, turn = 0, syntax = "a1111", shown = null;
let show = () => null;

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
  return t("tokens", { tokens, room: full }) + (chunks > 1 ? t("tokens.chunks", { chunks }) : "")
    + (left_out ? t("tokens.beyond", { left_out }) : "");
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
// The words that a weight is for: the selection, else the bracket around the cursor, else the word under it.
function chosen(text, start, end) {
  if (start !== end) {
    while (start < end && text[start] === " ") start += 1;
    while (end > start && text[end - 1] === " ") end -= 1;
    return [start, end];
  }
  const open = text.lastIndexOf("(", start - 1), close = text.indexOf(")", start);
  if (open >= 0 && close >= 0 && !text.slice(open + 1, close).match(/[()]/)) {
    const number = text.slice(open + 1, close).match(/:\s*[-+.\d]+\s*$/);
    return [open + 1, close - (number ? number[0].length : 0)];
  }
  while (start > 0 && WORD.test(text[start - 1])) start -= 1;
  while (end < text.length && WORD.test(text[end])) end += 1;
  return [start, end];
}
function weigh(field, change) {
  const text = field.value, [start, end] = chosen(text, field.selectionStart, field.selectionEnd);
  if (start === end) return;
  const words = text.slice(start, end);
  const held = text[start - 1] === "(" && text[start - 2] !== "\\" && text.slice(end).match(/^(?::\s*([-+]?[.\d]+)\s*)?\)/);
  const before = held ? (held[1] === undefined ? 1.1 : Number(held[1])) : 1;
  const weight = Math.round((before + change) * 100) / 100;
  if (!Number.isFinite(weight)) return;
  const from = held ? start - 1 : start, to = held ? end + held[0].length : end;
  const bare = weight === 1;
  replace(field, from, to, bare ? words : `(${words}:${weight})`);
  const at = from + (bare ? 0 : 1);
  field.setSelectionRange(at, at + words.length);
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
  if (!field.matches?.("#prompt textarea, #negative-prompt textarea")) return;
  event.preventDefault();
  weigh(field, event.key === "ArrowUp" ? STEP : -STEP);
});
