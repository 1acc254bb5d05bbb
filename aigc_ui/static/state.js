// What the parts of the page show in common.
/** @typedef {import("./engine.d.ts").Job} Job */

/**
 * `jobs` are mine, `watched` is the id of the one in the live view, `more` says that there are older pictures.
 * @type {{ jobs: Job[], watched: string | null, pictures: any[], more: boolean }}
 */
export const state = { jobs: [], watched: null, pictures: [], more: false };

/**
 * A cancelled job is over when its thread has let go; until then it may still save its picture.
 * @param {Pick<Job, "state" | "stopping">} job
 */
export const over = (job) => ["done", "failed", "cancelled"].includes(job.state) && !job.stopping;
