// What a button sends: the page's values with the pictures that were still on their way, or why there is nothing to
// send.
import { pictureField } from "./picture_field.js";
import { receive } from "./wire.js";

/** @type {(Error & { code?: string }) | null} */
let refusal = null;

/**
 * The values of an event, pictures as soon as they are there.
 * @param {Record<number, string>} pictures the places of pictures among the values, with the names of their fields
 * @param {unknown[]} values
 */
export async function arrived(pictures, values) {
  try {
    for (const [place, field] of Object.entries(pictures)) {
      const picture = pictureField(field);
      if (picture) values[Number(place)] = await picture.arrived();
    }
  } catch (error) {
    refusal = /** @type {Error} */ (error);
    throw error; // Gradio then sends nothing and calls notSent
  }
  return values;
}

// The studio could not be asked, or there was nothing to ask.
export function notSent() {
  receive(refusal ? { error: { code: refusal.code, message: refusal.message } } : { failed: true });
  refusal = null;
}
