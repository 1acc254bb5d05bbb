// The parts of the live view: its panes, the line below them, the scrubber over the steps, and notes.
import { createBranches, createOrigin } from "./branch.js";
import { createCards } from "./cards.js";
import { el, icon } from "./dom.js";
import { openFilm } from "./film_dialog.js";
import { createActs } from "./live_acts.js";
import { createApart } from "./live_apart.js";
import { createLook } from "./live_look.js";
import { createStatusLine } from "./live_status.js";
import { createPane } from "./panes.js";
import { createPlayer } from "./player.js";
import { createSettling } from "./settling.js";

const FILM = 4000, // ms that playing all steps takes,
  SHORTEST = 40, // and one of them at least
  LONGEST = 250; // and at most
const LARGE = "M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5L9 7M2.5 13.5L7 9";

/** @typedef {ReturnType<typeof createParts>} Parts */

/**
 * @param {{
 *   showStep: (step: number) => void, looked: (look: import("./live_look.js").Look) => void,
 *   open: (index: number) => void,
 * }} acts `open` shows one of the pictures large
 */
export function createParts({ showStep, looked, open }) {
  const noisy = createPane("live-x"),
    guess = createPane("live-x0");
  const line = createStatusLine(),
    look = createLook((next) => {
      view.dataset.look = next;
      looked(next);
    });
  const large = el(
    "button",
    { type: "button", id: "live-large", class: "small", hidden: true, onclick: () => open(0) },
    icon(LARGE),
  );
  guess.stage.append(large);
  guess.canvas.addEventListener("click", (event) => {
    if (!large.hidden && guess.under(event) >= 0) open(guess.under(event));
  });
  const player = createPlayer(
    { play: "live-play", range: "live-scrub" },
    {
      show: showStep,
      pause: (/** @type {number} */ last) => Math.max(SHORTEST, Math.min(LONGEST, FILM / (last + 1))),
    },
  );
  const acts = createActs(),
    branches = createBranches({ id: acts.picture, index: acts.index }),
    origin = createOrigin(),
    settling = createSettling(),
    apart = createApart(() => looked(look.now()));
  const film = el("button", {
    type: "button",
    id: "live-film",
    class: "quiet",
    onclick: () => openFilm(acts.picture() ?? ""),
  });
  const notes = el("ul", { id: "live-notes", class: "notes" });
  const panes = el("div", { class: "panes" }, noisy.node, guess.node, ...apart.nodes, createCards());
  const view = el(
    "section",
    { id: "live-view", "data-state": "idle", "data-look": look.now() },
    panes,
    el("div", { class: "line" }, ...line.nodes, look.node),
    apart.status,
    line.bar,
    el("div", { class: "scrub" }, player.play, el("div", { class: "way" }, settling.node, player.range), film),
    settling.words,
    branches.node,
    el("div", { class: "acts" }, acts.which, ...acts.buttons, acts.save),
    origin.node,
    notes,
  );
  player.play.disabled = player.range.disabled = film.hidden = true;
  return {
    panes,
    noisy,
    guess,
    apart,
    look,
    large,
    line,
    ...player,
    film,
    acts,
    branches,
    origin,
    settling,
    notes,
    view,
  };
}
