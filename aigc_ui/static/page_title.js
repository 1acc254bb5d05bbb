// What stands on the browser's tab: how far the picture is, and that it is done while one looked elsewhere.
import { on } from "./events.js";
import { over, state } from "./state.js";
import { t } from "./words.js";

let far = "";
let underWay = false,
  done = false;

const render = () => {
  document.title = [done && "✓", far, t("title")].filter(Boolean).join(" ");
};
/** @param {typeof far} next */
function turn(next) {
  if (next === far) return;
  far = next;
  render();
}
on("progress", ({ done: steps, total }) => {
  underWay = true;
  turn(total ? `${Math.round((100 * steps) / total)} %` : "…");
});
on("job", (job) => {
  if (!underWay || !job || !over(job)) return;
  underWay = false;
  done = document.hidden;
  render();
});
on("jobs", () => {
  if (state.jobs.every(over)) turn("");
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !done) return;
  done = false;
  render();
});
on("language", render);
render();
