// What Gradio's page calls of these scripts, each call a dynamic import of this module: places to be filled, components
// to be drawn, events, the wire to Python.
import { mountLoraChips } from "./addons.js";
import "./brought.js";
import { mountExamples } from "./cards.js";
import { mountChanged } from "./changed.js";
import { mountClassroom } from "./classroom.js";
import "./dropdowns.js";
import { mountEstimate } from "./estimate.js";
import { drawControl, drawReference } from "./followed.js";
import { drawGuidanceCurve } from "./guidance_curve.js";
import { mountFamilyLessons, mountLabLessons } from "./lab_lessons.js";
import { mountKnownWords } from "./known_words.js";
import { mountLinesFile } from "./lines_file.js";
import { mountLive } from "./live.js";
import { drawMask } from "./mask_field.js";
import { mountMessage, mountNotice } from "./message.js";
import { mountPresets } from "./presets.js";
import { mountRatios } from "./ratios.js";
import { mountReadSettings } from "./metadata.js";
import { drawBorder } from "./outpaint.js";
import { countTokens, mountTokens } from "./prompt.js";
import { mountQueue } from "./queue.js";
import { mountResults } from "./results.js";
import { mountSketch, sketchSoon } from "./sketch.js";
import { drawStart } from "./start.js";
import { mountHeader } from "./studio.js";
import { mountTurn } from "./turn_line.js";
import { mountUnheard } from "./unheard.js";
import "./mending.js";

/** @type {Record<string, (root: HTMLElement) => void>} */
const PLACES = {
  "changed-basics": (root) => mountChanged(root, "basics"),
  "changed-expert": (root) => mountChanged(root, "expert"),
  "changed-quality": (root) => mountChanged(root, "quality"),
  classroom: mountClassroom,
  estimate: mountEstimate,
  examples: mountExamples,
  "family-lessons": mountFamilyLessons,
  header: mountHeader,
  "known-words": mountKnownWords,
  "lab-lessons": mountLabLessons,
  "lines-file": mountLinesFile,
  live: mountLive,
  "lora-chips": mountLoraChips,
  message: mountMessage,
  notice: mountNotice,
  presets: mountPresets,
  queue: mountQueue,
  ratios: mountRatios,
  "read-settings": mountReadSettings,
  results: mountResults,
  sketch: mountSketch,
  tokens: mountTokens,
  turn: mountTurn,
  unheard: mountUnheard,
};

// Behind tabs that are opened later, and fetched then.
/** @type {Record<string, () => Promise<(root: HTMLElement) => void>>} */
const LATER = {
  "family-latents": () => import("./family_latents.js").then(({ mountFamilyLatents }) => mountFamilyLatents),
  "family-own": () => import("./family_own.js").then(({ mountFamilyOwn }) => mountFamilyOwn),
  "family-race": () => import("./family_race.js").then(({ mountFamilyRace }) => mountFamilyRace),
  "family-round-trip": () => import("./family_round_trip.js").then(({ mountFamilyRoundTrip }) => mountFamilyRoundTrip),
  "family-training": () => import("./family_training.js").then(({ mountFamilyTraining }) => mountFamilyTraining),
  "lab-bound": () => import("./lab_bound.js").then(({ mountLabBound }) => mountLabBound),
  "lab-digits": () => import("./lab_digits.js").then(({ mountLabDigits }) => mountLabDigits),
  "lab-points": () => import("./lab_points.js").then(({ mountLabPoints }) => mountLabPoints),
  "lab-reverse": () => import("./lab_reverse.js").then(({ mountLabReverse }) => mountLabReverse),
  "lab-schedule": () => import("./lab_schedule.js").then(({ mountLabSchedule }) => mountLabSchedule),
  gallery: () => import("./gallery.js").then(({ mountGallery }) => mountGallery),
  library: () => import("./library.js").then(({ mountLibrary }) => mountLibrary),
};

// Components of ours (aigc_ui/components) that hold a value of the request; pictures by their role.
/** @type {Record<string, (component: import("./component.js").Component<any>) => void>} */
const COMPONENTS = {
  border: drawBorder,
  curve: drawGuidanceCurve,
  control: drawControl,
  mask: drawMask,
  reference: drawReference,
  start: drawStart,
};

/** Fills the place on the page with this name. @param {string} name @param {HTMLElement} element */
export async function mount(name, element) {
  if (name in PLACES) PLACES[name](element);
  else (await LATER[name]())(element);
}
/** Draws a component. @param {string} kind @param {import("./component.js").Component<any>} component */
export const draw = (kind, component) => COMPONENTS[kind](component);

export { countTokens, sketchSoon };
export { emit } from "./events.js";
export { stopJob } from "./jobs.js";
export { arrived, notSent } from "./sending.js";
export { start } from "./studio.js";
export { modelChosen } from "./suited.js";
export { connect, receive } from "./wire.js";
