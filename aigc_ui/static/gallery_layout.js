// Where the tiles of the gallery stand: square, in as many columns as fit, each place computed from its number, so that
// only what is in sight has to be in the page.
export const GAP = 8; // pixels

/** @typedef {{ columns: number, side: number, height: number, total: number }} Layout */

/** @param {number} width of the grid @param {number} total of the tiles @param {number} least side of one @returns {Layout} */
export function layoutOf(width, total, least) {
  const columns = Math.max(2, Math.floor((width + GAP) / (least + GAP))),
    side = Math.max(1, (width - GAP * (columns - 1)) / columns);
  const rows = Math.ceil(total / columns);
  return { columns, side, height: Math.max(0, rows * (side + GAP) - GAP), total };
}
/** @param {Layout} layout @param {number} index */
export const placeOf = ({ columns, side }, index) => ({
  left: (index % columns) * (side + GAP),
  top: Math.floor(index / columns) * (side + GAP),
});
/**
 * The first tile between two heights of the grid and the one after the last, with some rows to spare.
 * @param {Layout} layout @param {number} top @param {number} bottom
 */
export function within({ columns, side, total }, top, bottom, spare = 2) {
  const row = (/** @type {number} */ y) => Math.floor(y / (side + GAP));
  const from = Math.max(0, row(top) - spare) * columns,
    to = (row(bottom) + 1 + spare) * columns;
  return { from: Math.min(from, total), to: Math.max(0, Math.min(to, total)) };
}
/** Where a key of the keyboard leads from a tile; null for a key that leads nowhere. */
/** @type {Record<string, (index: number, layout: Layout, rows: number) => number>} */
const MOVES = {
  ArrowLeft: (index) => index - 1,
  ArrowRight: (index) => index + 1,
  ArrowUp: (index, { columns }) => (index < columns ? index : index - columns),
  ArrowDown: (index, { columns, total }) => (index + columns < total ? index + columns : index),
  PageUp: (index, { columns }, rows) => index - columns * rows,
  PageDown: (index, { columns }, rows) => index + columns * rows,
  Home: () => 0,
  End: (_index, { total }) => total - 1,
};
/** @param {string} key @param {number} index @param {Layout} layout @param {number} rows on a screen */
export function moved(key, index, layout, rows) {
  if (!Object.hasOwn(MOVES, key)) return null;
  return Math.max(0, Math.min(layout.total - 1, MOVES[key](index, layout, rows)));
}
