// A curve drawn on a plot: its points are dragged, a click beside them adds one, a double click takes one away.

const GAP = 0.005,
  MOST = 24; // between two positions; points in all
/** @typedef {import("./types.d.ts").Place} Place */
/** @param {number} value @param {number} low @param {number} high */
const held = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * What a plot takes as `drag`. `points()` are the present ones, [position from 0 to 1, value], `put` keeps others;
 * position 0 lies at x = `from`, position 1 `wide` further; values are held from `low` to `high`.
 * @param {{ points: () => Place[], put: (next: Place[]) => void, from?: number, wide: number, low: number, high: number }} curve
 * @returns {import("./types.d.ts").Drag}
 */
export function curveHandles({ points, put, from = 0, wide, low, high }) {
  const copy = () => points().map(([a, b]) => /** @type {Place} */ ([a, b]));
  /** @type {(x: number, y: number) => Place} */
  const place = (x, y) => [held((x - from) / wide, 0, 1), held(y, low, high)];
  return {
    points: points().map(([a, b]) => [from + a * wide, b]),
    move: (i, x, y) => {
      const next = copy(),
        [a, b] = place(x, y);
      const left = i ? next[i - 1][0] + GAP : 0,
        right = i < next.length - 1 ? next[i + 1][0] - GAP : 1;
      next[i] = [held(a, left, right), b];
      put(next);
      return i;
    },
    add: (x, y) => {
      const [a, b] = place(x, y),
        next = [...copy(), /** @type {Place} */ ([a, b])].sort((p, q) => p[0] - q[0]);
      if (next.length > MOST || next.some((p, i) => i && p[0] - next[i - 1][0] < GAP)) return null;
      put(next);
      return next.findIndex((p) => p[0] === a);
    },
    remove: (i) => {
      if (points().length > 2) put(copy().filter((_, j) => j !== i));
    },
  };
}
