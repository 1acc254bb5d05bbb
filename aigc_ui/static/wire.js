// The wire to Python: what the page's handlers answer, and what is sent to them.
import { around } from "./dom.js";
import { emit } from "./events.js";
import { byId, isActive, watchSubmitted } from "./jobs.js";
import { remember } from "./memory.js";
import { complain, say } from "./message.js";
import { sentence } from "./sentences.js";
import { state } from "./state.js";
import { t } from "./words.js";

/**
 * @typedef {{
 *   notice?: string, failed?: boolean, error?: { code?: string } & import("./engine.d.ts").Sentence, job?: string,
 *   values?: Record<string, unknown>, settings?: { refused: string[], quiet: boolean },
 * }} Signal what a handler of Python's answers
 */

let pending = 0;
/** @type {(name: string, detail: object) => void} */
let send = () => {};
/** @type {(value?: unknown) => void} */
let connected = () => {};
/** What the language calls itself that Gradio's words are in. @type {() => string} */
export let languageOfGradio = () => "";

// Fulfilled once there is a way to Python.
export const connection = new Promise((done) => {
  connected = done;
});
/** @param {typeof send} trigger @param {() => string} languageName */
export function connect(trigger, languageName) {
  send = trigger;
  languageOfGradio = languageName;
  connected();
}
/** @param {string} name @param {object} detail */
export const tell = (name, detail) => send(name, detail);

/** @param {Signal | null} signal */
export function receive(signal) {
  if (!signal) return;
  if (signal.notice !== undefined) emit("notice", signal.notice);
  if (signal.failed) {
    settle();
    complain(t("error.server"));
  }
  const { error } = signal;
  if (error) {
    settle();
    complain(() => sentence(error));
  }
  if (signal.job) {
    settle();
    say("", "");
    keep(signal.values);
    watchSubmitted(signal.job);
  }
  if (signal.settings && !signal.settings.quiet) {
    const names = signal.settings.refused.join(", ");
    document.getElementById("prompt")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    say("good", names ? t("settings.some", { names }) : t("settings.taken"));
  }
}
/** The last settings of this browser come back after a reload. @param {Signal["values"]} values */
function keep(values) {
  if (values) remember("settings", JSON.stringify(values));
}

/**
 * Brings values into the page's controls, as far as it has them. A start picture without a mask takes away the old one.
 * @param {Partial<import("./engine.d.ts").RequestFields>} settings
 */
export function applySettings(settings, quiet = false) {
  const values = settings.image === undefined ? settings : { mask_image: "", ...settings };
  emit("settings", values);
  send("settings", { values, quiet });
}

function settle() {
  pending = Math.max(0, pending - 1);
  if (!pending) document.getElementById("generate")?.classList.remove("sending");
  emit("job", state.watched === null ? undefined : byId(state.watched));
}
document.addEventListener("click", (event) => {
  if (!around(event, "#generate")) return;
  pending += 1;
  document.getElementById("generate")?.classList.add("sending");
  if (!state.jobs.some(isActive)) emit("pending");
});
