// What Gradio's page calls of these scripts, each call a dynamic import of this module: places to be filled, events, the
// wire to Python.
import { mountAddons, mountReference } from "./addons.js";
import { mountClassroom } from "./classroom.js";
import { mountEstimate } from "./estimate.js";
import { mountGuidanceCurvePad, mountLinesFile } from "./guidance_curve.js";
import { mountFamilyLessons, mountLabLessons } from "./lab_lessons.js";
import { mountLive } from "./live.js";
import { mountMessage, mountNotice } from "./message.js";
import { mountReadSettings } from "./metadata.js";
import { countTokens, mountTokens } from "./prompt.js";
import { mountQueue } from "./queue.js";
import { mountResults } from "./results.js";
import { mountSketch, sketchSoon } from "./sketch.js";
import { mountStart } from "./start.js";
import { mountExamples, mountHeader } from "./studio.js";
import "./mending.js";

const PLACES = {
  addons: mountAddons,
  reference: mountReference,
  classroom: mountClassroom,
  estimate: mountEstimate,
  examples: mountExamples,
  "family-lessons": mountFamilyLessons,
  "guidance-curve-pad": mountGuidanceCurvePad,
  header: mountHeader,
  "lab-lessons": mountLabLessons,
  "lines-file": mountLinesFile,
  live: mountLive,
  message: mountMessage,
  notice: mountNotice,
  queue: mountQueue,
  "read-settings": mountReadSettings,
  results: mountResults,
  sketch: mountSketch,
  start: mountStart,
  tokens: mountTokens,
};

// Behind tabs that are opened later, and fetched then.
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
  library: () => import("./library.js").then(({ mountLibrary }) => mountLibrary),
};

// Fills the place on the page with this name.
export async function mount(name, element) {
  if (name in PLACES) PLACES[name](element);
  else (await LATER[name]())(element);
}

export { countTokens, sketchSoon };
export { emit } from "./events.js";
export { stopJob } from "./jobs.js";
export { start } from "./studio.js";
export { modelChosen } from "./suited.js";
export { connect, receive } from "./wire.js";
