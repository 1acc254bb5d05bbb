// The jobs of this browser, the stream of the watched one, and the pictures that were made.
import { emit } from "./events.js";
import { api, blob, listed, post, url } from "./http.js";
import { complain } from "./message.js";
import { pace } from "./pace.js";
import { wording } from "./sentences.js";
import { over, state } from "./state.js";

const PAGE = 60;
const SHOWN = ["text-to-image", "upscale", "grid", "prompt-lines", "decode", "guesses"]; // jobs that the Create page follows
/** @typedef {import("./engine.d.ts").Job} Job */

/** Whether another tab's bench has a job under way, such as a training: it ends when nothing is heard of this page. */
let elsewhere = false;
/** @type {EventSource | null} */
let stream = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {Job} job */
export const isActive = (job) => !over(job);
/** @param {string | null} id */
export const byId = (id) => state.jobs.find((job) => job.id === id);

export async function refreshJobs() {
  try {
    /** @type {Job[]} */
    const jobs = listed(await api("jobs"), "jobs");
    state.jobs = jobs.filter((job) => SHOWN.includes(job.generator));
    elsewhere = jobs.some((job) => isActive(job) && !SHOWN.includes(job.generator));
  } catch (error) {
    return complain(wording(error));
  }
  emit("jobs");
  follow();
  emit("refreshed");
  poll();
}
function poll() {
  clearTimeout(timer);
  const others = state.jobs.some((job) => isActive(job) && (job.id !== state.watched || job.state === "waiting"));
  const pause = others ? 2000 : state.jobs.some((job) => job.unsaved) ? 10000 : elsewhere ? 30000 : 0;
  if (pause) timer = setTimeout(() => (document.hidden && !elsewhere ? poll() : refreshJobs()), pause);
}
// Keep looking at what runs; when it is over go on to the next one, else stay with the last picture.
function follow() {
  const watched = byId(state.watched);
  if (watched && isActive(watched)) {
    emit("job", watched);
    return;
  }
  const next = state.jobs.find((job) => job.state === "running") ?? state.jobs.find((job) => job.state === "waiting");
  if (next) return watchJob(next.id);
  if (state.watched) return;
  const last = state.jobs
    .filter((job) => job.state === "done" || job.state === "cancelled")
    .sort((a, b) => b.created - a.created)[0];
  if (last) watchJob(last.id);
}
/** @param {Job} snapshot */
function update(snapshot) {
  const place = state.jobs.findIndex((job) => job.id === snapshot.id);
  if (place < 0) state.jobs.push(snapshot);
  else state.jobs[place] = { ...state.jobs[place], ...snapshot };
  emit("jobs");
  if (snapshot.id === state.watched) emit("job", byId(snapshot.id));
}

/** @param {string} id */
export function watchJob(id) {
  const job = byId(id);
  if (!job) return;
  stream?.close();
  stream = null;
  state.watched = id;
  emit("watch", job);
  if (over(job)) return finished(id);
  listen(id);
}
/** @param {string} id */
function listen(id) {
  const source = new EventSource(url(`jobs/${id}/events`));
  stream = source;
  /** @param {string} name @param {(detail: any) => void} act */
  const heard = (name, act) =>
    source.addEventListener(name, (event) => {
      if (stream === source && event.data) act(JSON.parse(event.data));
    });
  heard("state", (snapshot) => {
    update(snapshot);
    if (over(snapshot)) end(source, id);
  });
  heard("progress", (part) =>
    emit("progress", { stage: part.stage, done: part.done, total: part.total, seconds: null }),
  );
  const left = pace();
  heard("frame", (frame) => {
    emit("frame", frame);
    emit("progress", { stage: "denoising", done: frame.index, total: frame.total, seconds: left(frame) });
  });
  source.onerror = (event) => {
    if (/** @type {MessageEvent} */ (event).data || stream !== source) return;
    emit("lost");
    if (source.readyState === EventSource.CLOSED)
      setTimeout(() => {
        if (stream === source) {
          stream = null;
          refreshJobs();
        }
      }, 2000);
  };
}
/** @param {EventSource} source @param {string} id */
async function end(source, id) {
  source.close();
  stream = null;
  const job = byId(id);
  if (job && (job.state === "failed" || job.unsaved)) emit("failed", job);
  await Promise.all([finished(id), refreshPictures()]);
  refreshJobs();
}
/** All steps at once for the scrubber, and the saved pictures themselves for its last place. @param {string} id */
async function finished(id) {
  const job = byId(id);
  if (!job) return;
  try {
    const [frames, images] = await Promise.all([
      api(`jobs/${id}/frames`).then((body) => listed(body, "frames")),
      Promise.all(shownOf(job).map(bitmap)),
    ]);
    if (state.watched !== id) return;
    emit("finished", { frames, images: images.filter((image) => image !== null) });
  } catch (error) {
    complain(wording(error));
  }
}
/** Of a grid, the sheet: it came last, and all others are on it. @param {Job} job */
const shownOf = ({ generator, image_ids: ids = [] }) => (generator === "grid" ? ids.slice(-1) : ids);
/** @param {string} id @returns {Promise<ImageBitmap | null>} */
async function bitmap(id) {
  const bytes = await blob(`images/${encodeURIComponent(id)}`);
  return bytes && createImageBitmap(bytes);
}
/** @param {string} id */
export function redrawJob(id) {
  if (state.watched !== id) return;
  emit("job", byId(id));
  finished(id);
}

/** @param {string} path @param {RequestInit} options */
async function act(path, options) {
  try {
    await api(path, options);
  } catch (error) {
    complain(wording(error));
  }
  refreshJobs();
}
export function stopJob(id = state.watched) {
  const job = byId(id);
  if (!job || over(job)) return;
  if (job.state === "running") update({ ...job, state: "cancelled", stopping: true });
  act(`jobs/${id}`, { method: "DELETE" });
}
/** @param {string} id */
export const removeJob = (id) => act(`jobs/${id}`, { method: "DELETE" });
/** @param {string} id @param {number} position */
export const moveJob = (id, position) =>
  post(`jobs/${id}/move`, { position })
    .catch((error) => complain(wording(error)))
    .then(refreshJobs);

/** What was just asked for is looked at, unless another one is running; it may already be over. @param {string} id */
export async function watchSubmitted(id) {
  await refreshJobs();
  const watched = byId(state.watched),
    job = byId(id);
  if (job && state.watched !== id && (!watched || over(watched))) watchJob(id);
  emit("submitted");
  if (!job || !over(job)) return;
  refreshPictures();
  if (job.state === "failed") emit("failed", job);
}

export async function refreshPictures() {
  try {
    state.pictures = listed(await api(`images?limit=${PAGE}`), "images");
    state.more = state.pictures.length === PAGE;
    emit("pictures");
  } catch (error) {
    complain(wording(error));
  }
}
export async function olderPictures() {
  const before = state.pictures.at(-1)?.id;
  try {
    const older = listed(await api(`images?limit=${PAGE}&before=${encodeURIComponent(before)}`), "images");
    state.pictures.push(...older);
    state.more = older.length === PAGE;
    emit("pictures");
  } catch (error) {
    complain(wording(error));
  }
}
