// Word from the browser when a job that took long is over while the page is out of sight; only who asks for it gets it.
import { el, icon } from "./dom.js";
import { on } from "./events.js";
import { titled } from "./job_title.js";
import { remember, remembered } from "./memory.js";
import { complain } from "./message.js";
import { over } from "./state.js";
import { t } from "./words.js";

const LONG = 30; // seconds
const BELL = "M8 1.8a4 4 0 0 0-4 4v2.7L2.8 11h10.4L12 8.5V5.8a4 4 0 0 0-4-4zM6.6 13.2h2.8";

const possible = () => "Notification" in window && Notification.permission !== "denied";
let wanted = remembered("tidings") === "on" && possible() && Notification.permission === "granted";
/** Jobs that were seen under way. @type {Set<string>} */
const underWay = new Set();

on("job", (job) => {
  if (!job) return;
  if (!over(job)) return underWay.add(job.id);
  const seconds = (job.finished ?? 0) - (job.started ?? 0);
  if (!underWay.delete(job.id) || !wanted || !document.hidden || seconds < LONG) return;
  const said = new Notification(t(job.state === "failed" ? "tidings.failed" : "tidings.done"), {
    body: titled(job.generator, job.request),
    tag: job.id,
  });
  said.onclick = () => {
    window.focus();
    said.close();
  };
});

/** A switch. The browser asks the person once, at this click. */
export function createTidings() {
  const button = el(
    "button",
    { type: "button", id: "tidings", class: "quiet", hidden: !("Notification" in window) },
    icon(BELL),
  );
  function say() {
    button.title = t(wanted ? "tidings.on" : "tidings.off");
    button.setAttribute("aria-label", t("tidings"));
    button.setAttribute("aria-pressed", String(wanted));
  }
  button.addEventListener("click", async () => {
    wanted = !wanted && (await Notification.requestPermission()) === "granted";
    if (!possible()) complain(() => t("tidings.denied"));
    remember("tidings", wanted ? "on" : "off");
    say();
  });
  on("language", say);
  say();
  return button;
}
