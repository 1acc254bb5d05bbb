// A quiet line below the button: how much memory the picture will need, where that is worth a word; and what a model
// that paints through the bridge cannot use.
import { el } from "./dom.js";
import { on } from "./events.js";
import { post } from "./http.js";
import { t } from "./words.js";

const WAIT = 300; // while somebody drags a slider
const GROUPS = { hires_scale: "group.hires", tile: "group.tile", variation_strength: "group.variation" };
let told = null,
  timer = 0,
  turn = 0;

const amount = (bytes) => (bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
function sentence() {
  if (!told) return "";
  const size = t("estimate", { needed: amount(told.needed), free: amount(told.free) });
  const memory = told.way === "whole" ? size : size + t(`estimate.${told.way}`);
  if (!told.pipeline) return memory;
  const fields = told.untold.map((name) => t(GROUPS[name] ?? `field.${name}`)).join(" · ");
  return `${memory}; ${t("estimate.bridge", { pipeline: told.pipeline, fields })}`;
}

export function mountEstimate(root) {
  const line = el("p", { id: "estimate-line", class: "help", role: "status", hidden: true });
  root.replaceChildren(line);
  const render = () => {
    const shown = told && (!told.embedded || told.way !== "whole");
    line.hidden = !shown;
    line.classList.toggle("warn", Boolean(shown) && told.way === "none");
    line.textContent = shown ? sentence() : "";
  };
  async function ask(request) {
    const mine = ++turn;
    const answer = await post("estimate", { request }).catch(() => null); // what is wrong is said when it is asked for
    if (mine !== turn) return;
    told = answer;
    render();
  }
  on("sized", (request) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(request), WAIT);
  });
  on("language", render);
}
