// The words of the page in the language that its reader chose; the table comes from the server beside these scripts.
import { emit } from "./events.js";
import { remember, remembered } from "./memory.js";
import table from "./words_table.js";

const wanted = new URLSearchParams(location.search).get("lang") ?? remembered("lang") ?? navigator.language ?? "en";
let current = wanted.toLowerCase().startsWith("zh") ? "zh" : "en";

export const language = () => current;
export const t = (key, values = {}) => (table[current][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
export const has = (key) => key in table[current];
export function speak(next) {
  current = next;
  remember("lang", next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  emit("language", next);
}
