// Words of a vocabulary by kind, all of them or those that a search finds, in any of their languages.

/** @typedef {import("./types.d.ts").Vocabulary} Vocabulary @typedef {import("./types.d.ts").Word} Word */

/**
 * Kinds in their order with their words in theirs, those first that have the very word that is looked for; the whole kind
 * where its own name is.
 * @param {Pick<Vocabulary, "kinds" | "words">} vocabulary
 * @param {string} text
 * @returns {[string, Word[]][]}
 */
export function grouped({ kinds, words }, text) {
  const wanted = text.trim().toLowerCase();
  /** @param {Word} word */
  const names = (word) => Object.values(word.names).flat();
  /** @param {Word} word */
  const isIt = (word) => names(word).some((name) => name.toLowerCase() === wanted);
  /** @param {Word} word */
  const fits = (word) => names(word).some((name) => name.toLowerCase().includes(wanted));
  const groups = Object.entries(kinds).flatMap(([kind, { names }]) => {
    const own = words.filter((word) => word.kind === kind);
    const whole = Object.values(names).some((name) => name.toLowerCase() === wanted);
    const found = whole ? own : own.filter(fits).sort((a, b) => Number(isIt(b)) - Number(isIt(a)));
    return found.length ? [/** @type {[string, Word[]]} */ ([kind, found])] : [];
  });
  return groups.sort(([, a], [, b]) => Number(b.some(isIt)) - Number(a.some(isIt)));
}

/** What a word is called in a language, and what is written for it. @param {Word} word @param {string} language */
export const nameIn = ({ names }, language) =>
  (names[language] ?? names.en ?? Object.values(names)[0] ?? [""])[0] ?? "";
/** @param {Word} word @param {string} language */
export const written = (word, language) => word.say[language] ?? nameIn(word, language);
