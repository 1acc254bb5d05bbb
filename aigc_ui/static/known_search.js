// Words of a vocabulary by kind, all of them or those that a search finds, in any of their languages.

/** @typedef {import("./vocabulary.js").Vocabulary} Vocabulary @typedef {import("./vocabulary.js").Word} Word */

/**
 * Kinds in their order with their words in theirs; the whole kind where its own name is looked for.
 * @param {Pick<Vocabulary, "kinds" | "words">} vocabulary
 * @param {string} text
 * @returns {[string, Word[]][]}
 */
export function grouped({ kinds, words }, text) {
  const wanted = text.trim().toLowerCase();
  /** @param {string} name */
  const fits = (name) => name.toLowerCase().includes(wanted);
  return Object.entries(kinds).flatMap(([kind, { names }]) => {
    const own = words.filter((word) => word.kind === kind);
    const whole = Object.values(names).some((name) => name.toLowerCase() === wanted);
    const found = whole ? own : own.filter((word) => Object.values(word.names).flat().some(fits));
    return found.length ? [/** @type {[string, Word[]]} */ ([kind, found])] : [];
  });
}

/** What a word is called in a language, and what is written for it. @param {Word} word @param {string} language */
export const nameIn = ({ names }, language) =>
  (names[language] ?? names.en ?? Object.values(names)[0] ?? [""])[0] ?? "";
/** @param {Word} word @param {string} language */
export const written = (word, language) => word.say[language] ?? nameIn(word, language);
