// Weights in a prompt, as Ctrl + up and down change them: which words one is for, and the text with another one.

/** @typedef {{ from: number, to: number, text: string, at: number, length: number }} Edit */

const WORD = /[^\s,()[\]{}|:]/;
const BRACKET = 1.1; // the weight of a bracket that names none

/**
 * From where to where the words go that a weight is for: the selection, else the bracket around the cursor, else the
 * word under it.
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end
 */
export function wordsAt(text, start, end) {
  if (start !== end) {
    while (start < end && text[start] === " ") start += 1;
    while (end > start && text[end - 1] === " ") end -= 1;
    return [start, end];
  }
  const open = text.lastIndexOf("(", start - 1),
    close = text.indexOf(")", start);
  if (open >= 0 && close >= 0 && !text.slice(open + 1, close).match(/[()]/)) {
    const number = text.slice(open + 1, close).match(/:\s*[-+.\d]+\s*$/);
    return [open + 1, close - (number ? number[0].length : 0)];
  }
  while (start > 0 && WORD.test(text[start - 1])) start -= 1;
  while (end < text.length && WORD.test(text[end])) end += 1;
  return [start, end];
}

/**
 * The same words with `change` more weight, as an edit: from..to becomes `text`, and the words then begin at `at` and
 * are `length` long. Null where there are no words or no number.
 * @param {string} text
 * @param {number} selectionStart
 * @param {number} selectionEnd
 * @param {number} change
 * @returns {Edit | null}
 */
export function weighed(text, selectionStart, selectionEnd, change) {
  const [start, end] = wordsAt(text, selectionStart, selectionEnd);
  if (start === end) return null;
  const words = text.slice(start, end);
  const bracketed = text[start - 1] === "(" && text[start - 2] !== "\\";
  const held = bracketed ? text.slice(end).match(/^(?::\s*([-+]?[.\d]+)\s*)?\)/) : null;
  const before = held ? (held[1] === undefined ? BRACKET : Number(held[1])) : 1;
  const weight = Math.round((before + change) * 100) / 100;
  if (!Number.isFinite(weight)) return null;
  const from = held ? start - 1 : start,
    to = held ? end + held[0].length : end;
  const bare = weight === 1;
  return { from, to, text: bare ? words : `(${words}:${weight})`, at: from + (bare ? 0 : 1), length: words.length };
}
