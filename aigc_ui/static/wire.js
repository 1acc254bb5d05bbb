// The wire to Python: what the page's handlers answer, and what is sent to them.
import { emit } from "./events.js";
import { byId, isActive, watchSubmitted } from "./jobs.js";
import { remember } from "./memory.js";
import { complain, say } from "./message.js";
import { state } from "./state.js";
import { t } from "./words.js";

let send = () => {}, pending = 0, connected = () => {};

// Fulfilled once there is a way to Python.
export const connection = new Promise((done) => { connected = done; });
export function connect(trigger) {
  send = trigger;
  connected();
}
export const tell = (name, detail) => send(name, detail);

export function receive(signal) {
  if (!signal) return;
  if (signal.notice !== undefined) emit("notice", signal.notice);
  if (signal.failed) { settle(); complain(t("error.server")); }
  if (signal.error) { settle(); complain(signal.error.message); }
  if (signal.job) { settle(); say("", ""); keep(signal.values); watchSubmitted(signal.job); }
  if (signal.settings && !signal.settings.quiet) {
    const names = signal.settings.refused.join(", ");
    document.getElementById("area-prompt")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    say("good", names ? t("settings.some", { names }) : t("settings.taken"));
  }
}
// The last settings of this browser come back after a reload.
function keep(values) { if (values) remember("settings", JSON.stringify(values)); }

export function applySettings({ image, mask_image, ...values }, quiet = false) {
  emit("settings", { image, mask_image });  // pictures are looked for first
  send("settings", { values, quiet });
}

function settle() {
  pending = Math.max(0, pending - 1);
  if (!pending) document.getElementById("generate")?.classList.remove("sending");
  emit("job", byId(state.watched));
}
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#generate")) return;
  pending += 1;
  document.getElementById("generate").classList.add("sending");
  if (!state.jobs.some(isActive)) emit("pending");
});
