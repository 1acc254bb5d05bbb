// A rough picture while the prompt is being typed, in jobs of its own that the rest of the page does not see.
import { around, el } from "./dom.js";
import { on } from "./events.js";
import { api, post, url } from "./http.js";
import { createPane, cut } from "./panes.js";
import { remember, remembered } from "./memory.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { over, state } from "./state.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

const WAIT = 250; // ms without a key before a sketch begins
const SEED = Math.floor(Math.random() * 2 ** 31); // one for this page, so that only the words change the picture

/** @typedef {{ frame: import("./engine.d.ts").Frame, mine: number }} Drawn a frame of the sketch with this number */

let wanted = remembered("sketch") === "on",
  turn = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** The id of the sketch's job. @type {string | null} */
let running = null;
/** @type {(import("./panes.js").Pane & { badge: HTMLElement }) | null} */
let pane = null;
const busy = () => state.jobs.some((job) => !over(job));
/** @param {string} id of a job */
const end = (id) => api(`jobs/${id}`, { method: "DELETE" }).catch(() => null);

/**
 * Something that a sketch follows has changed; these are the fields of its request by name, and what they hold now.
 * @param {string[]} names
 * @param {any[]} values
 */
export function sketchSoon(names, values) {
  clearTimeout(timer);
  if (wanted) timer = setTimeout(() => draw(Object.fromEntries(names.map((name, i) => [name, values[i]]))), WAIT);
}

/** @param {Record<string, any>} values */
async function draw(values) {
  stop();
  if (busy() || !values.prompt.trim()) return hide();
  const mine = turn;
  try {
    const job = await post("jobs", {
      generator: "sketch",
      request: { ...values, seed: values.seed < 0 ? SEED : values.seed },
    });
    follow(job.id, mine);
  } catch (error) {
    if (mine === turn) complain(wording(error));
  }
}
/**
 * Looks at a sketch until it is over, also at one that is not wanted any more, then has it forgotten.
 * @param {string} id
 * @param {number} mine
 */
function follow(id, mine) {
  if (mine === turn) running = id;
  else end(id);
  const source = new EventSource(url(`jobs/${id}/events`));
  const leave = () => {
    source.close();
    end(id);
    if (running === id) running = null;
  };
  source.addEventListener("frame", (event) => show({ frame: JSON.parse(event.data), mine }));
  source.addEventListener("state", (event) => {
    if (over(JSON.parse(event.data))) leave();
  });
  source.addEventListener("error", (/** @type {any} */ event) => {
    if (event.data && mine === turn) complain(wording({ sentence: JSON.parse(event.data) }));
    else if (!event.data) leave();
  });
}
function stop() {
  clearTimeout(timer);
  turn += 1;
  if (running) end(running);
  running = null;
}

const show = newest(async (/** @type {Drawn} */ { frame, mine }) => {
  const bitmaps = await cut(frame.x0, 1);
  if (mine === turn && !busy()) unveil().show(bitmaps, true);
  bitmaps.forEach((bitmap) => bitmap.close());
});
function createSketchPane() {
  const sketch = { ...createPane("live-sketch"), badge: el("span", { class: "badge" }) };
  sketch.node.classList.add("sketch");
  sketch.node.querySelector(".stage")?.append(sketch.badge);
  document.querySelector("#live-view .panes")?.append(sketch.node);
  return sketch;
}
function unveil() {
  pane ??= createSketchPane();
  pane.node.hidden = false;
  pane.label("live.sketch");
  pane.badge.textContent = t("live.sketch");
  document.getElementById("live-view")?.setAttribute("data-sketch", "true");
  return pane;
}
function hide() {
  if (pane) pane.node.hidden = true;
  delete document.getElementById("live-view")?.dataset.sketch;
}
const giveWay = () => {
  stop();
  hide();
};

/** @param {HTMLElement} root */
export function mountSketch(root) {
  const box = el("input", { type: "checkbox", role: "switch", id: "sketch-switch" }),
    name = el("span");
  box.checked = wanted;
  root.replaceChildren(el("label", { id: "sketch-label" }, box, name));
  const render = () => {
    name.textContent = t("sketch");
    root.title = t("sketch.help");
    if (pane && !pane.node.hidden) unveil();
  };
  box.addEventListener("change", () => {
    wanted = box.checked;
    remember("sketch", wanted ? "on" : "off");
    if (!wanted) giveWay();
    else document.querySelector("#prompt textarea")?.dispatchEvent(new Event("input", { bubbles: true }));
  });
  on("language", render);
  render();
}
// A real picture comes first: what is sent, running or looked at has the live view to itself.
on("pending", giveWay);
on("watch", giveWay);
on("jobs", () => {
  if (busy()) giveWay();
});
document.addEventListener("input", (event) => {
  if (around(event, "#live-scrub")) hide();
});
document.addEventListener("click", (event) => {
  if (around(event, "#live-play")) hide();
});
