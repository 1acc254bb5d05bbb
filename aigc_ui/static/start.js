// The picture to start from and, over it, the mask of what is painted anew.
import { emit, on } from "./events.js";
import { upload } from "./http.js";
import { mask, paintMask } from "./mask_field.js";
import { remember } from "./memory.js";
import { say } from "./message.js";
import { createPictureField } from "./picture_field.js";
import { createStartView } from "./start_view.js";
import { t } from "./words.js";

/** @type {import("./picture_field.js").PictureField | null} */
let start = null;
/** The picture whose mask is to be painted once it is there. */
let awaited = "";

/** A picture takes the place of the one before it, whose mask goes with it. @param {Blob} bytes */
export const startFrom = async (bytes) => start?.bring(upload(bytes), maskClear);

/** The mask is painted as soon as the picture of this id is the one to start from. @param {string} id */
export function paintOver(id) {
  awaited = id;
  emit("start");
}

/** What is transparent in a new picture is painted anew. @param {import("./picture_field.js").Kept | null} picture */
function maskClear(picture) {
  if (!picture?.clear) return mask()?.clear();
  mask()?.bring(Promise.resolve({ ...picture, id: picture.clear, clear: "" }));
  say("good", () => t("start.clear"));
}

/** @param {import("./component.js").Component<string>} component */
export function drawStart(component) {
  const picture = createPictureField(component, (mine) => {
    if (!mine.busy()) remember("draft.image", mine.picture()?.id ?? "");
    emit("start");
  });
  start = picture;
  const view = createStartView({
    choose: startFrom,
    async paint() {
      const now = picture.picture();
      if (now) await paintMask(now);
    },
    unmask: () => mask()?.clear(),
    remove: picture.clear,
  });
  component.element.replaceChildren(view.node);

  let had = false;
  function changed() {
    const now = picture.picture(),
      over = mask(),
      painted = over?.picture() ?? null,
      none = !now && !picture.busy();
    if (none && painted) return over?.clear(); // a mask needs a picture; this is called again
    if (none && (had || picture.gone())) emit("no-start");
    had = Boolean(now);
    if (now && now.id === awaited && !picture.busy()) {
      awaited = "";
      view.paint();
    }
    document.documentElement.classList.toggle("with-start", Boolean(now));
    document.documentElement.classList.toggle("with-mask", Boolean(painted));
    view.show({
      picture: now,
      mask: painted,
      busy: picture.busy() || Boolean(over?.busy()),
      gone: picture.gone() || Boolean(over?.gone()),
    });
  }
  on("start", changed);
  on("language", changed);
  changed();
}
