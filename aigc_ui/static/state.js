// What the parts of the page show in common. `jobs` are mine, `watched` is the id of the one in the live view.
export const state = { jobs: [], watched: null, pictures: [], more: false };

// A cancelled job is over when its thread has let go; until then it may still save its picture.
export const over = (job) => ["done", "failed", "cancelled"].includes(job.state) && !job.stopping;
