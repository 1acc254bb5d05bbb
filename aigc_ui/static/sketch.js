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

let wanted = remembered("sketch") === "on",
  timer = 0,
  turn = 0,
  running = null,
  pane = null;
const busy = () => state.jobs.some((job) => !over(job));
const end = (id) => api(`jobs/${id}`, { method: "DELETE" }).catch(() => null);

// Something that a sketch follows has changed; these are the fields of its request by name, and what they hold now.
export function sketchSoon(names, values) {
  clearTimeout(timer);
  if (wanted) timer = setTimeout(() => draw(Object.fromEntries(names.map((name, i) => [name, values[i]]))), WAIT);
}

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
    if (mine === turn) complain(error.message);
  }
}
// Looks at a sketch until it is over, also at one that is not wanted any more, then has it forgotten.
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

const show = newest(async ({ frame, mine }) => {
  const bitmaps = await cut(frame.x0, 1);
  if (mine === turn && !busy()) {
    unveil();
    pane.show(bitmaps, true);
  }
  bitmaps.forEach((bitmap) => bitmap.close());
});
function unveil() {
  if (!pane) {
    pane = createPane("live-sketch");
    pane.badge = el("span", { class: "badge" });
    pane.node.classList.add("sketch");
    pane.node.querySelector(".stage").append(pane.badge);
    document.querySelector("#live-view .panes").append(pane.node);
  }
  pane.node.hidden = false;
  pane.label("live.sketch");
  pane.badge.textContent = t("live.sketch");
  document.getElementById("live-view").dataset.sketch = "true";
}
function hide() {
  if (pane) pane.node.hidden = true;
  delete document.getElementById("live-view")?.dataset.sketch;
}
const giveWay = () => {
  stop();
  hide();
};

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
