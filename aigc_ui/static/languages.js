// Which of the page's languages is meant by a browser's or a reader's name for one: "zh-Hans-CN" by "zh".
export const FALLBACK = "en";

/**
 * The name loses parts at its end until a language has it; English if none does.
 * @param {string} wanted
 * @param {string[]} languages
 */
export function nearest(wanted, languages) {
  const parts = wanted.toLowerCase().split("-");
  for (; parts.length; parts.pop()) {
    const found = languages.find((language) => language.toLowerCase() === parts.join("-"));
    if (found) return found;
  }
  return FALLBACK;
}

/** The one after it, and after the last one the first. @param {string} language @param {string[]} languages */
export const following = (language, languages) => languages[(languages.indexOf(language) + 1) % languages.length];
