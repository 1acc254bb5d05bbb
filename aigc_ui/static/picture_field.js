// A picture in a field of the request: brought and kept, looked for when Python names another one, taken away.
import { on } from "./events.js";
import { blob } from "./http.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";

/**
 * @typedef {{ id: string, width: number, height: number, clear?: string }} Kept a picture as the studio keeps it; `clear`
 *   is a mask of where it was transparent
 * @typedef {{
 *   arrived: () => Promise<Record<string, string>>, clear: () => void,
 *   bring: (coming: Promise<Kept>, replaced?: (picture: Kept | null) => void) => Promise<void>,
 *   picture: () => Kept | null, gone: () => boolean, busy: () => boolean,
 * }} PictureField `arrived` is what to send once nothing is on its way, and fails where the last picture could not be
 *   brought; `replaced` is called when a picture has taken the place of another; `gone` says that one was named in vain
 */

/** @type {Map<string, PictureField>} */
const fields = new Map();
/** The one for a field of the request, where the page has it. @param {string} name */
export const pictureField = (name) => fields.get(name);

/** Where a kept picture is. @param {string} id */
export const source = (id) => `inputs/${encodeURIComponent(id)}.png`;

/** @param {string} id @returns {Promise<Kept | null>} null for one that is not kept any more */
async function look(id) {
  const bytes = await blob(source(id), { cache: "no-cache" }); // the browser's copy would hide that it is gone
  if (!bytes) return null;
  const { width, height } = await createImageBitmap(bytes);
  return { id, width, height };
}

/**
 * @param {import("./component.js").Component<string>} component
 * @param {(field: PictureField) => void} changed called also when a picture is on its way, and when it has come or
 * failed
 * @param {() => Record<string, string>} along other fields that the picture has brought and the page may not hold yet
 */
export function createPictureField({ field, element, props, watch }, changed, along = () => ({})) {
  /** @type {Kept | null} */
  let picture = null;
  let gone = false;
  /** @type {Promise<Kept | null> | null} */
  let coming = null; // the last picture that is on its way; those before it do not count any more

  /** @param {Kept | null} next */
  function keep(next, missing = false) {
    coming = null;
    picture = next;
    gone = missing;
    props.value = next?.id ?? "";
    element.dataset.picture = props.value;
    changed(handle);
  }
  /** @param {Promise<Kept | null>} next @param {(brought: Kept | null) => void} act for the last one that came */
  async function follow(next, act) {
    coming = next;
    changed(handle);
    try {
      const brought = await next;
      if (coming === next) act(brought);
    } catch (error) {
      complain(wording(error));
      if (coming === next) coming = null;
      changed(handle);
    }
  }
  async function arrived() {
    while (coming) {
      await coming.catch((error) => {
        if (!coming) throw error; // else another one has taken its place
      });
    }
    return { [field]: props.value, ...along() };
  }
  // Python names a picture of a recipe or of the last visit, which may not be kept any more.
  function take() {
    if (props.value) follow(look(props.value), (found) => keep(found, !found));
    else keep(null);
  }

  /** @type {PictureField} */
  const handle = {
    arrived,
    bring: (next, replaced) =>
      follow(next, (brought) => {
        keep(brought);
        replaced?.(brought);
      }),
    clear: () => keep(null),
    picture: () => picture,
    gone: () => gone,
    busy: () => Boolean(coming),
  };
  fields.set(field, handle);
  watch(take);
  on("settings", (settings) => {
    const named = /** @type {Record<string, unknown>} */ (settings)[field];
    if (named && named === props.value && !coming) take(); // no news to Gradio, but it may be gone since
  });
  if (props.value) take();
  return handle;
}
