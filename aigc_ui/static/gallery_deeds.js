// What is done to pictures: marks, into the bin and back. What could not be done to some is said.
import { post } from "./http.js";
import { refreshPictures } from "./jobs.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").GalleryPicture} Picture
 * @typedef {import("./gallery_tags.js").Change} Change
 */

const MOST = 1000; // pictures in one request

/**
 * @param {Pick<ReturnType<typeof import("./gallery_source.js").createSource>, "known" | "refresh">} source
 * @param {ReturnType<typeof import("./gallery_notice.js").createNotice>} notice
 * @param {{ marked: () => void, removed: (ids: string[]) => unknown }} tell
 */
export function createDeeds(source, notice, tell) {
  /** @param {unknown} error */
  const fail = (error) => notice.warn(wording(error));
  /** The ids to which it was done. @param {string} path @param {string[]} ids @param {string} word of the answer @param {Change} [change] */
  async function done(path, ids, word, change) {
    /** @type {string[]} */
    const all = [];
    try {
      for (let at = 0; at < ids.length; at += MOST) {
        const result = await post(`gallery/${path}`, { ids: ids.slice(at, at + MOST), ...change });
        all.push(...result[word]);
        if (result.refused.length) fail({ sentence: result.refused[0].error });
      }
    } catch (error) {
      fail(error);
    }
    return all;
  }
  /** @param {string[]} ids @param {Change} change @param {Picture} [also] one that the list need not have */
  async function mark(ids, change, also) {
    const marked = await done("marks", ids, "marked", change);
    const known = new Set(source.known(new Set(marked)));
    if (also && marked.includes(also.id)) known.add(also);
    for (const picture of known) take(picture, change);
    tell.marked();
  }
  /** @param {string[]} ids */
  async function remove(ids) {
    if (!ids.length) return;
    const deleted = await done("delete", ids, "deleted");
    if (!deleted.length) return;
    tell.removed(deleted);
    notice.done(
      () => t("gallery.deleted", { count: deleted.length }),
      () => restore(deleted),
    );
    await anew();
  }
  /** @param {string[]} ids */
  async function restore(ids) {
    notice.clear();
    await done("bin/restore", ids, "restored");
    await anew();
  }
  /** Here, and in the list that Create has. */
  async function anew() {
    await source.refresh();
    refreshPictures();
  }
  return { mark, remove, fail };
}

/** @param {Picture} picture @param {import("./gallery_tags.js").Change} change */
function take(picture, { favourite, stars, add_tags = [], remove_tags = [] }) {
  picture.favourite = favourite ?? picture.favourite;
  picture.stars = stars ?? picture.stars;
  picture.tags = [...new Set([...picture.tags.filter((tag) => !remove_tags.includes(tag)), ...add_tags])];
}
