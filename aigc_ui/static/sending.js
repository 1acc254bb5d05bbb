// What a button sends: the page's values with the pictures that were still on their way, or why there is nothing to
// send.
import { pictureField } from "./picture_field.js";
import { receive } from "./wire.js";

/** @type {import("./types.d.ts").Refusal | null} */
let refusal = null;

/**
 * The values of an event, pictures as soon as they are there, with what they bring along.
 * @param {Record<string, number>} places of pictures and what they may bring among the values, by the names of the fields
 * @param {unknown[]} values
 */
export async function arrived(places, values) {
  try {
    for (const field of Object.keys(places)) {
      const sent = (await pictureField(field)?.arrived()) ?? {};
      for (const [name, value] of Object.entries(sent)) if (name in places) values[places[name]] = value;
    }
  } catch (error) {
    refusal = /** @type {import("./types.d.ts").Refusal} */ (error);
    throw error; // Gradio then sends nothing and calls notSent
  }
  return values;
}

/** @param {import("./types.d.ts").Refusal} error */
const signalOf = ({ code, message, sentence }) => ({
  code,
  ...(sentence ?? { message, template: message, values: {} }),
});

// The studio could not be asked, or there was nothing to ask.
export function notSent() {
  receive(refusal ? { error: signalOf(refusal) } : { failed: true });
  refusal = null;
}
