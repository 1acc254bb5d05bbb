// Which pictures of the gallery are chosen.

/** @typedef {import("./types.d.ts").GalleryPicture} Picture */

const MOST = 1000;

/**
 * @param {Pick<ReturnType<typeof import("./gallery_source.js").createSource>, "at" | "between" | "known">} source
 * @param {() => void} changed
 */
export function createChoice(source, changed) {
  /** @type {Set<string>} */
  const ids = new Set();
  let anchor = 0;
  /** In or out; with the shift key all from the last one on. @param {number} index @param {{ shiftKey: boolean }} event */
  async function choose(index, { shiftKey }) {
    if (shiftKey) {
      const last = Math.min(Math.max(anchor, index), Math.min(anchor, index) + MOST - 1);
      for (const { id } of await source.between(Math.min(anchor, index), last)) ids.add(id);
    } else {
      const id = source.at(index)?.id;
      if (id && !ids.delete(id)) ids.add(id);
      anchor = index;
    }
    changed();
  }
  /** Out, whether they are here or not. @param {Iterable<string>} gone */
  function drop(gone) {
    for (const id of [...gone]) ids.delete(id);
    changed();
  }
  /** Those that are chosen, else the one at this place. @param {number} index */
  const meant = (index) => (ids.size ? [...ids] : [source.at(index)?.id ?? ""].filter(Boolean));
  return { ids, choose, drop, meant, known: () => source.known(ids) };
}
