// In what two recipes differ.

/** @typedef {import("./types.d.ts").Recipe} Recipe */

/**
 * Each setting that is not the same, with both values; undefined where a recipe does not say it.
 * @param {Recipe} one @param {Recipe} other @returns {[string, unknown, unknown][]}
 */
export function differences(one, other) {
  const [a, b] = [said(one), said(other)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
    .map((name) => [name, a[name], b[name]]);
}
/** @param {Recipe} recipe @returns {Record<string, unknown>} */
const said = ({ request }) => (request && typeof request === "object" ? { ...request } : {});
