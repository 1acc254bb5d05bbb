// Below the scrubber: another turn from the step that is looked at, as it is or painted over, or from where a job is
// that still runs; a look inside that step; and a sheet of the paths that were not taken.
import { createPaintButton } from "./branch_paint.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { createInside } from "./inside.js";
import { filmLanguage } from "./film_dialog.js";
import { post, url } from "./http.js";
import { watchSubmitted } from "./jobs.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { over } from "./state.js";
import { tell } from "./wire.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").Job} Job
 * @typedef {import("./engine.d.ts").Frame} Frame
 */

const ROWS = 4; // of the sheet, as far as there are so many steps

/**
 * The last step of a job's pictures that they can be branched from, of those that are shown; 0 for none. Steps of a
 * second pass come after it.
 * @param {Job | undefined} job @param {number} steps that are shown
 */
export function lastBranch(job, steps) {
  if (job?.generator !== "text-to-image" || !job.image_ids.length) return 0;
  const { hires_scale: scale = 1, num_inference_steps: first = 0 } = job.request;
  return Math.max(0, (scale > 1 ? Math.min(steps, first) : steps) - 1);
}

/** @param {{ id: () => string | undefined, index: () => number }} picture that is branched from, and which of its job's it is */
export function createBranches(picture) {
  const here = el("button", { type: "button", id: "branch-here", class: "quiet" });
  const paint = createPaintButton(
    () => ({ frame: now.frame, index: picture.index(), count: now.job?.request.count ?? 1 }),
    (painted) => branch({ step: now.step, ...painted }),
  );
  const turn = el("button", { type: "button", id: "branch-turn", class: "quiet", hidden: true });
  const paths = el("button", { type: "button", id: "branch-paths", class: "quiet" });
  const earlier = el("button", { type: "button", id: "branch-earlier", class: "quiet" });
  const inside = createInside(() => ({ picture: picture.id(), step: now.step }));
  const node = el("div", { class: "branch", hidden: true }, turn, here, paint, inside.open, paths, earlier);
  /** @type {{ job: Job | undefined, frame: Frame | undefined, step: number, last: number }} */
  let now = { job: undefined, frame: undefined, step: 0, last: 0 };
  /** @type {Job | undefined} */
  let running;

  /** @param {object} more */
  const branch = (more) => tell("branch", { picture: picture.id(), step: 0, last: 0, paint: "", mask: "", ...more });
  here.addEventListener("click", () => branch({ step: now.step }));
  paths.addEventListener("click", () => branch({ last: now.last }));
  earlier.addEventListener("click", () => guesses(picture.id()));
  turn.addEventListener("click", () => tell("turn", { job: running?.id }));

  function say() {
    const { step, last } = now,
      possible = step >= 1 && step <= last;
    here.textContent = possible ? t("branch.from", { step }) : t("branch.choose");
    here.disabled = !possible;
    here.title = t(possible ? "branch.from.help" : "branch.none");
    paint.textContent = t("branch.paint");
    paint.disabled = inside.open.disabled = !possible;
    paint.title = t(possible ? "branch.paint.help" : "branch.none");
    turn.textContent = t("branch.turn");
    turn.title = t("branch.turn.help");
    paths.textContent = t("branch.paths");
    paths.title = t("branch.paths.help", { rows: Math.min(ROWS, last) });
    earlier.textContent = t("branch.earlier");
    earlier.title = t("branch.earlier.help");
  }
  function arrange() {
    here.hidden = paint.hidden = inside.open.hidden = paths.hidden = earlier.hidden = now.last < 1;
    node.hidden = here.hidden && !running;
  }
  on("language", say);
  say();
  return {
    node,
    dialog: inside.node,
    /** The job that is looked at, as it goes on. @param {Job | undefined} job */
    follow(job) {
      running =
        job?.generator === "text-to-image" && !over(job) && !job.stopping && job.progress.step > 0 ? job : undefined;
      turn.hidden = !running;
      arrange();
    },
    /** What is looked at: a step of a job's pictures, of so many. @param {Job | undefined} job @param {Frame | undefined} frame @param {number} steps */
    show(job, frame, steps) {
      now = { job, frame, step: frame?.index ?? 0, last: lastBranch(job, steps) };
      arrange();
      say();
    },
  };
}

/** The sheet of what a picture would have been, had it been stopped earlier. @param {string | undefined} picture */
async function guesses(picture) {
  try {
    const { id } = await post("jobs", { generator: "guesses", request: { picture, language: filmLanguage() } });
    await watchSubmitted(id);
  } catch (error) {
    complain(wording(error));
  }
}

/** Where a job's pictures branched from: that picture, small, and the step. */
export function createOrigin() {
  const image = el("img", { alt: "", width: 28, height: 28, onerror: () => image.remove() }),
    words = el("span");
  const node = el("p", { class: "origin", hidden: true });
  return {
    node,
    /** @param {Job | undefined} job */
    show(job) {
      const { branch_from: parent = "", branch_step: step = 0 } = job?.request ?? {};
      node.hidden = !parent;
      if (!parent) return;
      const path = url(`images/${encodeURIComponent(parent)}`);
      if (image.getAttribute("src") !== path) {
        image.src = path;
        node.replaceChildren(image, words);
      }
      image.alt = t("branch.parent");
      words.textContent = job?.generator === "grid" ? t("branch.origin.sheet") : t("branch.origin", { step });
    },
  };
}
