// What the studio says, in the page's language. The table of a language is a file of its own, which English readers never
// fetch, and others once the page stands.
import { emit, on } from "./events.js";
import { label } from "./fields.js";
import { FALLBACK } from "./languages.js";
import { recognised } from "./recognition.js";
import { translation } from "./translation.js";
import { has, language, t } from "./words.js";

/** @typedef {import("./engine.d.ts").Sentence} Sentence */
/** @type {Record<string, Record<string, string>>} */
const tables = {};
/** @type {Record<string, Promise<void>>} */
const fetching = {};

/** @param {string} wanted */
function fetched(wanted) {
  fetching[wanted] ??= import(`./sentences_${wanted}.js`).then(
    (file) => {
      tables[wanted] = file.default;
      emit("sentences");
    },
    () => {
      delete fetching[wanted]; // the next sentence tries again; this one stays English
    },
  );
  return fetching[wanted];
}

/** @param {string} field */
const nameOf = (field) => {
  const word = label(field) || (has(`field.${field}`) ? t(`field.${field}`) : "");
  return word && `“${word}”`;
};

/** In English until the table is here, then `sentences` is told. @param {Sentence} given @returns {string} */
export function sentence(given) {
  const table = tables[language()];
  if (!table && language() !== FALLBACK) fetched(language());
  return table ? translation(given, table, nameOf) : given.message;
}
/** @param {Sentence} given @returns {Promise<string>} */
export async function translated(given) {
  if (language() !== FALLBACK) await fetched(language());
  return sentence(given);
}
/** An error's words for a message that stays while the language changes. @param {unknown} error @returns {() => string} */
export const wording = (error) => () => {
  const { sentence: given, message = "" } = /** @type {Partial<import("./types.d.ts").Refusal>} */ (error);
  return given ? sentence(given) : message;
};
/** What comes as text alone: notes, and why a file is refused. @param {string} text */
export function remark(text) {
  const table = tables[language()];
  return table ? translation(recognised(text, table), table, nameOf) : text;
}

const prepare = () => {
  if (language() !== FALLBACK) fetched(language());
};
on("started", prepare);
on("language", prepare);
