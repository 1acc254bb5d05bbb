// What the controls of the Create page hold now, and what they would hold if nobody had changed anything.
import { emit, on } from "./events.js";
import { defaults } from "./fields.js";
import { suiting } from "./suited.js";

/** @typedef {import("./fields.js").Settings} Settings */

/** @type {Settings} */
let values = {};
/** What suits the model, over the defaults. @type {Settings} */
let unchanged = defaults();
let model = "";

/** Empty until the controls have told it. */
export const settingsNow = () => values;
export const settingsUnchanged = () => unchanged;

on("values", async (next) => {
  values = next;
  emit("settled");
  if (!next.model || next.model === model) return;
  const mine = (model = next.model);
  const suits = await suiting(mine).catch(() => ({})); // one that cannot be used says so where it is chosen
  if (mine !== model) return;
  unchanged = { ...defaults(), ...suits };
  emit("settled");
});
