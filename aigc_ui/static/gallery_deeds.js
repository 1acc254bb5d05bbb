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
 * @param {Pick<ReturnType<typeof import("./gallery_source.js").createSource>, "known" | "restart">} source
 * @param {ReturnType<typeof import("./gallery_notice.js").createNotice>} notice
 * @param {{ marked: () => void, removed: (ids: string[]) => void }} tell
 */
export function createDeeds(source, notice, tell) {
  /** @param {unknown} error */
  const fail = (error) => notice.warn(wording(error));
  /** @param {string[]} ids @param {(ids: string[]) => Promise<any>} act */
  async function done(ids, act) {
    try {
      const result = ids.length ? await act(ids.slice(0, MOST)) : null;
      if (result?.refused.length) fail({ sentence: result.refused[0].error });
      return result;
    } catch (error) {
      fail(error);
      return null;
    }
  }
  /** @param {string[]} ids @param {Change} change */
  async function mark(ids, change) {
    const result = await done(ids, (some) => post("gallery/marks", { ids: some, ...change }));
    for (const picture of source.known(new Set(result?.marked))) take(picture, change);
    tell.marked();
  }
  /** @param {string[]} ids */
  async function remove(ids) {
    const deleted = (await done(ids, (some) => post("gallery/delete", { ids: some })))?.deleted ?? [];
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
    await done(ids, (some) => post("gallery/bin/restore", { ids: some }));
    await anew();
  }
  async function anew() {
    await source.restart();
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
