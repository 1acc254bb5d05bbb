// The prompt while it is being written: how many tokens it has, and weights under Ctrl + up and down.
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { post } from "./http.js";
import { weighed } from "./prompt_weights.js";
import { replace } from "./typed.js";
import { t } from "./words.js";

const WAIT = 300; // ms without a change before the tokens are counted
const STEP = 0.1;

/**
 * @typedef {{ tokens: number, room: number, chunks: number, left_out: number, unknown: string[] }} Count
 * @typedef {import("./types.d.ts").Counted} Counted
 */

/** @type {Counted} */
let asked = { prompt: "", model: "", prompt_syntax: "a1111", style: "" };
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;
/** @type {Count | { error: string } | null} */
let counted = null;
/** @type {(count: typeof counted) => void} */
let show = (count) => {
  counted = count;
};

/**
 * Something that the count follows has changed.
 * @param {string} prompt
 * @param {string} model
 * @param {string} prompt_syntax
 * @param {string} style
 */
export function countTokens(prompt, model, prompt_syntax, style) {
  asked = { prompt, model, prompt_syntax, style };
  emit("prompt", asked);
  clearTimeout(timer);
  timer = setTimeout(count, WAIT);
}
async function count() {
  const mine = ++turn;
  if (!asked.prompt.trim()) return show(null);
  try {
    const count = await post("prompt/tokens", asked);
    if (mine === turn) show(count);
  } catch (error) {
    if (mine === turn) show({ error: /** @type {Error} */ (error).message });
  }
}
/** @param {Count} count */
function sentence({ tokens, room, chunks, left_out, unknown }) {
  const full = Math.max(1, Math.ceil(tokens / room)) * room;
  return (
    t("tokens", { tokens, room: full }) +
    (chunks > 1 ? t("tokens.chunks", { chunks }) : "") +
    (left_out ? t("tokens.beyond", { left_out }) : "") +
    (unknown.length ? t("tokens.no_list", { names: unknown.map((name) => `__${name}__`).join(", ") }) : "")
  );
}
/** @param {HTMLElement} root */
export function mountTokens(root) {
  const line = el("p", { id: "token-count", role: "status", hidden: true });
  root.replaceChildren(line);
  show = (count) => {
    counted = count;
    line.hidden = !count;
    line.classList.toggle("beyond", Boolean(count && ("error" in count || count.left_out || count.unknown.length)));
    line.textContent = !count ? "" : "error" in count ? count.error : sentence(count);
    line.title = t("tokens.help");
  };
  on("language", () => show(counted));
  show(counted);
}

// --- weights ---
/** @param {HTMLTextAreaElement} field @param {number} change */
function weigh(field, change) {
  const edit = weighed(field.value, field.selectionStart, field.selectionEnd, change);
  if (!edit) return;
  replace(field, edit.from, edit.to, edit.text);
  field.setSelectionRange(edit.at, edit.at + edit.length);
}
document.addEventListener("keydown", (event) => {
  const field = event.target,
    plain = asked.prompt_syntax === "plain";
  if (!(event.ctrlKey || event.metaKey) || !["ArrowUp", "ArrowDown"].includes(event.key) || plain) return;
  if (!(field instanceof HTMLTextAreaElement) || !field.matches("#prompt textarea, #negative-prompt textarea")) return;
  event.preventDefault();
  weigh(field, event.key === "ArrowUp" ? STEP : -STEP);
});
