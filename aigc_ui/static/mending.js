// What can be done about a job that failed: save its pictures again, decode its latents, run it once more.
import { on } from "./events.js";
import { api, post } from "./http.js";
import { redrawJob, refreshJobs, refreshPictures, watchSubmitted } from "./jobs.js";
import { complain, currentMessage, say } from "./message.js";
import { sentence, wording } from "./sentences.js";
import { over, state } from "./state.js";
import { t } from "./words.js";

/** @typedef {import("./engine.d.ts").Job} Job */

const REPEATABLE = ["interrupted", "storage"]; // codes of errors
/** @type {Set<string>} ids of jobs */
const dismissed = new Set();

// In the page's language where the table has it, else as the studio says it.
/** @param {Job} job */
function reason(job) {
  if (job.unsaved) return t("failed.unsaved", { count: job.unsaved });
  if (job.error?.code === "interrupted") return t("failed.interrupted");
  return job.error ? sentence(job.error) : t("state.failed");
}
/** @param {Job} job @returns {import("./message.js").Act} */
function remedy(job) {
  const kept = job.latents_ids ?? [];
  const dismiss = () => dismissed.add(job.id);
  if (job.error?.code === "device_lost") return { job, text: "studio.restart", run: restart, dismiss };
  if (job.unsaved) return { job, text: "save.again", run: () => saveAgain(job), dismiss };
  if (kept.length) return { job, text: "decode.again", run: () => kept.forEach(decodeAgain), dismiss };
  const repeatable = job.error !== null && REPEATABLE.includes(job.error.code);
  return { job, dismiss, ...(repeatable ? { text: "run.again", run: () => runAgain(job) } : {}) };
}
/** @param {Job} job */
async function saveAgain(job) {
  try {
    await post(`jobs/${job.id}/save`, {});
  } catch (error) {
    complain(wording(error), remedy(job));
    return refreshJobs();
  }
  await refreshJobs();
  savedNow(job.id);
}
/** @param {string} id */
function savedNow(id) {
  say("good", t("save.done"));
  refreshPictures();
  redrawJob(id);
}
/** @param {string} latents */
async function decodeAgain(latents) {
  try {
    await post("jobs", { generator: "decode", request: { latents } });
  } catch (error) {
    complain(wording(error));
  }
  refreshJobs();
}
// The fresh process has the same address and tokens, so the page is loaded again as soon as it answers.
async function restart() {
  try {
    await post("restart", {});
  } catch (error) {
    return complain(wording(error));
  }
  say("", () => t("studio.restarting"));
  const healthy = new URL("healthz", document.baseURI);
  const answers = async () => (await (await fetch(healthy, { cache: "no-store" })).json()).status === "ok";
  const again = setInterval(async () => {
    if (!(await answers().catch(() => false))) return;
    clearInterval(again);
    location.reload();
  }, 1000);
}
/** @param {Job} job */
async function runAgain({ id, generator, request }) {
  dismissed.add(id);
  try {
    const next = await post("jobs", { generator, request });
    await api(`jobs/${id}`, { method: "DELETE" });
    watchSubmitted(next.id);
  } catch (error) {
    complain(wording(error));
  }
}

/** @param {Job} job */
const sayFailed = (job) => complain(() => reason(job), remedy(job));
// A page that was opened later, or was away, also hears of pictures that wait for the disk and of what was cut off.
function remind() {
  const before = currentMessage().act?.job;
  if (before?.unsaved) {
    const now = state.jobs.find(({ id }) => id === before.id);
    if (now && !now.unsaved && !now.error) savedNow(now.id);
    else if (!now?.unsaved) say("", "");
  }
  if (currentMessage().text) return;
  const job = state.jobs.find(
    (one) => over(one) && !dismissed.has(one.id) && (one.unsaved || one.error?.code === "interrupted"),
  );
  if (job) sayFailed(job);
}
/** How a job that is over, or waits, is called in a word or two. @param {Job} job */
export function stateName(job) {
  if (job.unsaved) return t("state.unsaved");
  if (job.error?.code === "interrupted") return t("state.interrupted");
  return t(job.state === "waiting" && job.interruptions ? "state.again" : `state.${job.state}`);
}

on("failed", sayFailed);
on("refreshed", remind);
