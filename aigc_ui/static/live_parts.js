// The parts of the live view: two panes, the line below them, the scrubber over the steps, films, and notes.
import { createBranches, createOrigin } from "./branch.js";
import { el } from "./dom.js";
import { createFilms } from "./film.js";
import { file } from "./http.js";
import { createStatusLine } from "./live_status.js";
import { createPane } from "./panes.js";
import { createPlayer } from "./player.js";
import { createSettling } from "./settling.js";

const FILM = 4000, // ms that playing all steps takes,
  SHORTEST = 40, // and one of them at least
  LONGEST = 250; // and at most

/** @typedef {ReturnType<typeof createParts>} Parts */

/** @param {(step: number) => void} showStep @param {() => string | undefined} jobId of the job that is looked at */
export function createParts(showStep, jobId) {
  const noisy = createPane("live-x"),
    guess = createPane("live-x0");
  const empty = el("p", { class: "empty" }),
    line = createStatusLine();
  const player = createPlayer(
    { play: "live-play", range: "live-scrub" },
    {
      show: showStep,
      pause: (/** @type {number} */ last) => Math.max(SHORTEST, Math.min(LONGEST, FILM / (last + 1))),
    },
  );
  const films = createFilms("live-films", {
    name: () => `denoising-${jobId()}`,
    make: (/** @type {string} */ kind) => file(`jobs/${jobId()}/film.${kind}`),
  });
  const branches = createBranches(),
    origin = createOrigin(),
    settling = createSettling();
  const notes = el("ul", { id: "live-notes", class: "notes" });
  const view = el(
    "section",
    { id: "live-view", "data-state": "idle" },
    el("div", { class: "panes" }, noisy.node, guess.node, empty),
    ...line.nodes,
    el("div", { class: "scrub" }, player.play, el("div", { class: "way" }, settling.node, player.range), films),
    settling.words,
    branches.node,
    origin.node,
    notes,
  );
  player.play.disabled = player.range.disabled = films.hidden = true;
  return { noisy, guess, empty, line, ...player, films, branches, origin, settling, notes, view };
}
