// The words of the page in the language that its reader chose; the table comes from the server beside these scripts.
import { emit } from "./events.js";
import { following, nearest } from "./languages.js";
import { remember, remembered } from "./memory.js";
import table from "./words_table.js";

const LANGUAGES = Object.keys(table);
const wanted = new URLSearchParams(location.search).get("lang") ?? remembered("lang") ?? navigator.language ?? "";
/** @type {Record<string, Record<string, string>>} */
const words = table;
let current = nearest(wanted, LANGUAGES);

export const language = () => current;
export const nextLanguage = () => following(current, LANGUAGES);
/** @param {string} language */
export const nameOf = (language) => words[language]["language.name"];
/** @param {string} language */
export const localeOf = (language) => words[language]["language.locales"].split(" ")[0]; // as browsers call it
/**
 * The word of a key, with what stands in braces filled in.
 * @param {string} key @param {Record<string, string | number | null | undefined>} values
 */
export const t = (key, values = {}) =>
  (words[current][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
/** @param {string} key */
export const has = (key) => key in words[current];
/** @param {string} next */
export function speak(next) {
  current = next;
  remember("lang", next);
  document.documentElement.lang = localeOf(next);
  emit("language", next);
}
