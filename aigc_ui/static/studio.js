// The page as a whole: its header, its keys, and how it begins.
import { around, box, el, focused } from "./dom.js";
import { emit, on } from "./events.js";
import { isActive, refreshJobs, refreshPictures, stopJob, watchJob } from "./jobs.js";
import { remember, remembered } from "./memory.js";
import "./page_title.js";
import { createShortcuts } from "./shortcuts.js";
import { state } from "./state.js";
import { createTidings } from "./tidings.js";
import { applySettings, connection, languageOfGradio, tell } from "./wire.js";
import { language, localeOf, nameOf, nextLanguage, speak, t } from "./words.js";

// The last settings of this browser come back after a reload, and what was typed since.
function restore() {
  /** @type {Record<string, any>} */
  let kept = {};
  try {
    kept = JSON.parse(remembered("settings") ?? "{}");
  } catch {
    /* not ours to read */
  }
  for (const name of ["prompt", "negative_prompt", "image", "mask_image"]) {
    const typed = remembered(`draft.${name}`);
    if (typed !== null) kept[name] = typed;
  }
  if (Object.keys(kept).length) applySettings(kept, true);
}
/** Name, language, light or dark. @param {HTMLElement} root */
export function mountHeader(root) {
  const name = el("h1"),
    other = el("button", { type: "button", id: "language", class: "quiet" });
  const theme = el("button", { type: "button", id: "theme", class: "quiet" }, "◐");
  root.replaceChildren(el("header", { id: "masthead" }, name, other, createTidings(), theme, ...createShortcuts()));
  const render = () => {
    name.textContent = t("title");
    other.textContent = nameOf(nextLanguage());
    other.lang = localeOf(nextLanguage());
    other.title = t("language");
    theme.title = t("theme");
    theme.setAttribute("aria-label", t("theme"));
  };
  other.addEventListener("click", () => speak(nextLanguage()));
  theme.addEventListener("click", () => {
    const dark = document.body.classList.toggle("dark");
    remember("theme", dark ? "dark" : "light");
  });
  on("language", render);
  render();
}

// --- keys ---
// They are of the Create page alone, and none of them while an input method composes: it has Enter and Escape itself.
const creating = () => Boolean(document.getElementById("create")?.offsetParent);
document.addEventListener("keydown", (event) => {
  if (event.isComposing || !creating()) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    focused()?.blur(); // a number being typed counts once its box is left
    document.getElementById("generate")?.click();
  }
  const closesSomething = document.querySelector("dialog[open]") || around(event, '[aria-expanded="true"]');
  if (event.key === "Escape" && !closesSomething) stopJob();
});
document.addEventListener("input", (event) => {
  if (around(event, "#prompt")) remember("draft.prompt", box("prompt")?.value ?? "");
  if (around(event, "#negative-prompt")) remember("draft.negative_prompt", box("negative-prompt")?.value ?? "");
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refreshJobs();
});

on("jobs", () => document.documentElement.classList.toggle("busy", state.jobs.some(isActive)));
on("language", (next) => tell("language", { language: next }));
on("remount", () => {
  if (state.watched) watchJob(state.watched);
});

export async function start() {
  await connection;
  const theme = remembered("theme");
  if (theme && !new URLSearchParams(location.search).has("__theme"))
    document.body.classList.toggle("dark", theme === "dark");
  document.documentElement.lang = localeOf(language());
  if (languageOfGradio() !== nameOf(language())) tell("language", { language: language() });
  tell("hello", {});
  restore();
  refreshJobs();
  refreshPictures();
  emit("started");
  document.documentElement.dataset.ready = "true";
}
