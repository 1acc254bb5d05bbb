// Places of words in a prompt: as the studio counts them, as the browser does, and after the text has changed.

/** @typedef {{ start: number, end: number }} Place */

/**
 * Places in characters, as Python counts, to places in the browser's units, of which an emoji takes two.
 * @template {Place} P
 * @param {string} text
 * @param {P[]} places
 * @returns {P[]}
 */
export function inUnits(text, places) {
  /** @type {number[]} */
  const at = [];
  let unit = 0;
  for (const character of text) {
    at.push(unit);
    unit += character.length;
  }
  at.push(unit);
  return places.map((place) => ({ ...place, start: at[place.start] ?? unit, end: at[place.end] ?? unit }));
}

/**
 * The places that a change of the text leaves whole, where they are now.
 * @template {Place} P
 * @param {P[]} places
 * @param {string} before
 * @param {string} after
 * @returns {P[]}
 */
export function moved(places, before, after) {
  if (before === after) return places;
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const by = after.length - before.length;
  return places.flatMap((place) => {
    if (place.end <= head) return [place];
    if (place.start >= before.length - tail) return [{ ...place, start: place.start + by, end: place.end + by }];
    return [];
  });
}

/**
 * The text in pieces, one after the other, each with the place that it is, or null.
 * @template {Place} P
 * @param {string} text
 * @param {P[]} places in order
 * @returns {[string, P | null][]}
 */
export function divided(text, places) {
  /** @type {[string, P | null][]} */
  const pieces = [];
  let at = 0;
  for (const place of places) {
    if (place.start > at) pieces.push([text.slice(at, place.start), null]);
    pieces.push([text.slice(place.start, place.end), place]);
    at = place.end;
  }
  if (at < text.length) pieces.push([text.slice(at), null]);
  return pieces;
}

/**
 * One edit that puts `instead` in all these places; an empty one takes the blank beside the word along.
 * @param {string} text
 * @param {Place[]} places in order, at least one
 * @param {string} instead
 */
export function replaced(text, places, instead) {
  const from = places[0].start,
    grown = places.map((place) => (instead ? place : withBlank(text, place)));
  const first = Math.min(from, grown[0].start),
    last = grown[grown.length - 1].end;
  let made = "",
    at = first;
  for (const { start, end } of grown) {
    made += text.slice(at, start) + instead;
    at = end;
  }
  return { from: first, to: last, text: made };
}
/** @param {string} text @param {Place} place @returns {Place} */
function withBlank(text, { start, end }) {
  if (text[end] === " " && (start === 0 || text[start - 1] === " ")) return { start, end: end + 1 };
  if (end === text.length && text[start - 1] === " ") return { start: start - 1, end };
  return { start, end };
}

const LETTER = /[\p{L}\p{N}]/u;
const HAN = /\p{Script=Han}/u;
/**
 * What is written for a word between two texts: English words keep a blank from their neighbours, Chinese ones none.
 * @param {string} before
 * @param {string} word
 * @param {string} after
 */
export function between(before, word, after) {
  const bare = before.trim() ? word : word.replace(/^[,，]\s*/, "");
  const last = before.at(-1) ?? "",
    next = after[0] ?? "";
  /** @param {string} beside @param {string} own */
  const apart = (beside, own) => /[\p{L}\p{N},;:.)\]}]/u.test(beside) && LETTER.test(own) && !HAN.test(beside + own);
  return (
    (apart(last, bare[0] ?? "") ? " " : "") + bare + (LETTER.test(next) && apart(next, bare.at(-1) ?? "") ? " " : "")
  );
}
