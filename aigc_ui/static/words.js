// The words of the page in the language that its reader chose; the table comes from the server beside these scripts.
import { emit } from "./events.js";
import { following, nearest } from "./languages.js";
import { remember, remembered } from "./memory.js";
import table from "./words_table.js";

const LANGUAGES = Object.keys(table);
const wanted = new URLSearchParams(location.search).get("lang") ?? remembered("lang") ?? navigator.language ?? "";
let current = nearest(wanted, LANGUAGES);

export const language = () => current;
export const nextLanguage = () => following(current, LANGUAGES);
export const nameOf = (language) => table[language]["language.name"];
export const localeOf = (language) => table[language]["language.locales"].split(" ")[0]; // as browsers call it
export const t = (key, values = {}) =>
  (table[current][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
export const has = (key) => key in table[current];
export function speak(next) {
  current = next;
  remember("lang", next);
  document.documentElement.lang = localeOf(next);
  emit("language", next);
}
