// The mask of the start picture: painted in a dialog, kept in its field of the request. Lines are drawn in the same
// dialog.
import { emit } from "./events.js";
import { blob, upload, url } from "./http.js";
import { createMaskEditor } from "./mask_editor.js";
import { remember } from "./memory.js";
import { createPictureField, source } from "./picture_field.js";

/** @type {{ field: import("./picture_field.js").PictureField, editor: ReturnType<typeof createMaskEditor> } | null} */
let part = null;

/** The field, once the page has it. */
export const mask = () => part?.field;

/** @param {import("./component.js").Component<string>} component */
export function drawMask(component) {
  const editor = createMaskEditor();
  component.element.replaceChildren(editor.node);
  const field = createPictureField(component, (mine) => {
    if (!mine.busy()) remember("draft.mask_image", mine.picture()?.id ?? "");
    emit("start");
  });
  part = { editor, field };
}

/** Paints over a picture, on from the mask that it has. @param {import("./picture_field.js").Kept} picture */
export async function paintMask(picture) {
  if (!part) return;
  const { field, editor } = part,
    before = field.picture();
  const kept = before ? await blob(source(before.id)) : null;
  const painted = await editor.open(url(source(picture.id)), picture, kept);
  if (painted === kept) return;
  if (painted) field.bring(upload(painted));
  else field.clear();
}

/**
 * Lines drawn by hand, on from those that were drawn before; null where nothing is drawn.
 * @param {Blob | null} before
 */
export const drawLines = async (before) => (part ? part.editor.draw(before) : before);

/**
 * What is painted in colour on a picture, and where; null where nothing is.
 * @param {string} address of the picture @param {import("./mask.js").Size} size
 */
export const paintColours = async (address, size) => (part ? part.editor.paint(address, size) : null);
