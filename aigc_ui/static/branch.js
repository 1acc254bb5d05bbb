// Under the picture: another turn from the step that is looked at, and a sheet of the paths that were not taken.
import { el } from "./dom.js";
import { on } from "./events.js";
import { url } from "./http.js";
import { tell } from "./wire.js";
import { t } from "./words.js";

/** @typedef {import("./engine.d.ts").Job} Job */

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

/** @param {() => string | undefined} picture that is branched from */
export function createBranches(picture) {
  const here = el("button", { type: "button", id: "branch-here", class: "quiet", hidden: true });
  const paths = el("button", { type: "button", id: "branch-paths", class: "quiet", hidden: true });
  /** @type {{ step: number, last: number }} */
  let now = { step: 0, last: 0 };

  here.addEventListener("click", () => tell("branch", { picture: picture(), step: now.step, last: 0 }));
  paths.addEventListener("click", () => tell("branch", { picture: picture(), step: 0, last: now.last }));

  function say() {
    const { step, last } = now,
      possible = step >= 1 && step <= last;
    here.textContent = possible ? t("branch.from", { step }) : t("branch.choose");
    here.disabled = !possible;
    here.title = t(possible ? "branch.from.help" : "branch.none");
    paths.textContent = t("branch.paths");
    paths.title = t("branch.paths.help", { rows: Math.min(ROWS, last) });
  }
  on("language", say);
  return {
    nodes: [here, paths],
    /** What is looked at: a step of a job's pictures, of so many. @param {Job | undefined} job @param {number} step @param {number} steps */
    show(job, step, steps) {
      now = { step, last: lastBranch(job, steps) };
      here.hidden = paths.hidden = now.last < 1;
      say();
    },
  };
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
