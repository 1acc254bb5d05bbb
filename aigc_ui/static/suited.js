// Another model brings the size, steps and guidance that suit it, and perhaps its sampler, which goes with it again. Only
// the model that was chosen last counts, however long looking one over takes.
import { post } from "./http.js";
import { complain } from "./message.js";
import { applySettings } from "./wire.js";

let turn = 0,
  brought = null; // the sampler that a model brought, and the one that it replaced

export async function modelChosen(model, sampler) {
  const mine = ++turn;
  let values;
  try {
    values = await post("suited", { model });
  } catch (error) {
    if (mine === turn) complain(error.message);
    return;
  }
  if (mine !== turn) return;
  const before = brought && sampler === brought.sampler ? brought.before : sampler;
  brought = values.sampler ? { sampler: values.sampler, before } : null;
  applySettings({ sampler: before, ...values }, true);
}
