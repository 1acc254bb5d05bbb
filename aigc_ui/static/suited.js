// Another model brings the size, steps and guidance that suit it, and perhaps its sampler, which goes with it again.
// Only the model that was chosen last counts, however long looking one over takes.
import { on } from "./events.js";
import { post } from "./http.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { applySettings } from "./wire.js";

/** @typedef {Partial<import("./engine.d.ts").RequestFields>} Settings */

let turn = 0;
/** What suits each model that was asked for. @type {Map<string, Promise<Settings>>} */
const known = new Map();
/** The size, steps and guidance that suit a model. Fails where it cannot be used. @param {string} model @returns {Promise<Settings>} */
export function suiting(model) {
  const before = known.get(model);
  if (before) return before;
  const coming = post("suited", { model });
  known.set(model, coming);
  coming.catch(() => known.delete(model));
  return coming;
}

/**
 * The sampler that a model brought, and the one that it replaced.
 * @type {{ sampler: string, before: string } | null}
 */
let brought = null;
/** The model that was chosen last. Gradio tells a choice twice, when it is made and when the list is left. */
let chosen = "";
on("settings", ({ model }) => {
  if (model) chosen = model;
});

/** @param {string} model @param {string} sampler */
export async function modelChosen(model, sampler) {
  if (model === chosen) return; // the sampler that it replaced may still stand in the control
  chosen = model;
  const mine = ++turn;
  /** @type {Settings} */
  let values;
  try {
    values = await suiting(model);
  } catch (error) {
    if (mine !== turn) return;
    chosen = ""; // choosing it again tries again
    complain(wording(error));
    return;
  }
  if (mine !== turn) return;
  const before = brought && sampler === brought.sampler ? brought.before : sampler;
  brought = values.sampler ? { sampler: values.sampler, before } : null;
  applySettings({ sampler: before, ...values }, true);
}
