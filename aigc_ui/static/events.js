// What happens on the page, by name, for whichever parts want to hear of it.

/**
 * @typedef {import("./engine.d.ts").Job} Job
 * @typedef {import("./engine.d.ts").Frame} Frame
 * @typedef {import("./engine.d.ts").RequestFields} RequestFields
 * @typedef {import("./types.d.ts").Me} Me
 */

/**
 * Each event with what it tells. Of jobs: `jobs` the list has changed, `job` the watched one has, `watch` another one is
 * watched, `refreshed` the list was asked for again, `submitted` something new was; `sized` and below are told by Gradio's controls.
 * @typedef {{
 *   language: string, sentences: void, started: void, me: Me, notice: string, message: void, classroom: void,
 *   jobs: void, job: Job | undefined, watch: Job, refreshed: void, submitted: void, failed: Job, pending: void, lost: void, remount: void,
 *   "open-picture": string, cards: boolean, "want-cards": void, frame: Frame, progress: { stage: string, done: number, total: number, seconds: number | null },
 *   "download-name": void,
 *   finished: { frames: Frame[], images: ImageBitmap[] }, pictures: void,
 *   settings: Partial<RequestFields>, start: void, "no-start": void, "picture-dropped": File, outpaint: void,
 *   prompt: import("./types.d.ts").Counted, vocabulary: import("./types.d.ts").Vocabulary | null,
 *   unheard: { prompt: string, words: import("./types.d.ts").Unheard[] },
 *   sized: Partial<RequestFields>, values: Partial<RequestFields>, settled: void, size: { width: number, height: number }, loras: string,
 *   address: import("./types.d.ts").Whereabouts,
 *   control: { prefix: string, seen: Partial<RequestFields> },
 * }} Events
 */

/** What each takes is held by `on`. @type {Map<keyof Events, ((detail: any) => void)[]>} */
const listeners = new Map();

/** @template {keyof Events} Name @param {Name} name @param {(detail: Events[Name]) => void} listener */
export const on = (name, listener) => {
  listeners.set(name, [...(listeners.get(name) ?? []), listener]);
};

/** @template {keyof Events} Name @param {Name} name @param {Events[Name]} [detail] */
export const emit = (name, detail) => {
  for (const listener of listeners.get(name) ?? []) listener(detail);
};
