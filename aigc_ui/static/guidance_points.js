// A guidance curve as text: points of position and scale.

/** @typedef {[number, number]} Point position in the run from 0 to 1, scale */

const LARGEST = 30; // of a scale

/** @param {number} v */
export const figure = (v) => String(+v.toFixed(3));
/** As exact as they are written. @param {Point[]} list @returns {Point[]} */
export const rounded = (list) => list.map(([x, y]) => [Number(figure(x)), Number(figure(y))]);
/** "0 7.5; 1 3". @param {Point[]} list */
export const written = (list) => list.map(([x, y]) => `${figure(x)} ${figure(y)}`).join("; ");
/** And back, in the order of positions. @param {string} text @returns {Point[] | null} null for what is no curve */
export function read(text) {
  const list = text
    .split(";")
    .map((p) => p.trim())
    .filter(Boolean)
    .map((p) => /** @type {Point} */ (p.split(/\s+/).map(Number)));
  const good = list.every(
    (p) => p.length === 2 && p.every(Number.isFinite) && p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= LARGEST,
  );
  return good ? list.sort((a, b) => a[0] - b[0]) : null;
}
