// A model from the hub: looked at by its name, then fetched by a job.
import { el } from "./dom.js";
import { post } from "./http.js";
import { units } from "./library_card.js";
import { t } from "./words.js";

/** @param {import("./types.d.ts").Shelf} shelf as for a card */
export function createHub({ doing, job }) {
  const title = el("summary"),
    help = el("p", { class: "help" }),
    seen = el("p", { class: "help", role: "status" });
  const repo = el("input", { id: "hub-repo", autocomplete: "off" }),
    file = el("input", { id: "hub-file", autocomplete: "off" });
  const look = el("button", { type: "button", id: "hub-look" });
  const asked = () => ({ repo: repo.value.trim(), file: file.value.trim() });
  const fetching = job("library-download", "download", asked);
  look.addEventListener(
    "click",
    doing(async () => {
      seen.textContent = "";
      const { size, licence } = await post("hub/look", asked());
      seen.textContent = t("library.seen", { size: units(size), licence: licence || t("library.unsaid") });
    }),
  );
  const say = () => {
    title.textContent = t("library.hub");
    help.textContent = t("library.hub-help");
    look.textContent = t("library.look");
    name(repo, t("library.repo"));
    name(file, t("library.file"));
  };
  say();
  const line = el("div", { class: "find" }, repo, file, look),
    node = el("details", { class: "hub" }, title, help, line, seen, ...fetching.nodes);
  fetching.resume((request) => {
    [repo.value, file.value, node.open] = [request.repo, request.file, true];
  });
  return { say, node };
}

/** @param {HTMLInputElement} box @param {string} text */
function name(box, text) {
  box.placeholder = text;
  box.setAttribute("aria-label", text);
}
