// Beside the button: how many of my jobs wait, and when the first of them begins.
import { el } from "./dom.js";
import { on } from "./events.js";
import { placeInLine } from "./prospects.js";
import { state } from "./state.js";
import { t } from "./words.js";

/** @param {HTMLElement} root */
export function mountTurn(root) {
  const line = el("p", { id: "turn-line", class: "help", role: "status", hidden: true });
  root.replaceChildren(line);
  function render() {
    const waiting = state.jobs.filter((job) => job.state === "waiting" && job.position !== null);
    const [first] = waiting.sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    line.hidden = !first;
    if (!first) return;
    const count = t(waiting.length === 1 ? "turn.waiting.one" : "turn.waiting", { count: waiting.length });
    line.textContent = [count, ...placeInLine(first)].join(" · ");
  }
  for (const event of /** @type {const} */ (["jobs", "job", "language"])) on(event, render);
  render();
}
