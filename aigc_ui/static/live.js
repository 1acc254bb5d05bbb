// The live view: the noisy picture and the current guess side by side, then a scrubber over all steps.
import { decode, el } from "./dom.js";
import { emit, on } from "./events.js";
import { createFilms } from "./film.js";
import { blob, file } from "./http.js";
import { stateName } from "./mending.js";
import { createPlayer } from "./player.js";
import { over, state } from "./state.js";
import { newest } from "./turns.js";
import { has, language, t } from "./words.js";

// A batch comes as one sheet, row by row, as square as it goes; these are its pictures.
export async function cut(source, count) {
  const sheet = await decode(source);
  if (count < 2) return [sheet];
  const columns = Math.ceil(Math.sqrt(count)), rows = Math.ceil(count / columns);
  const w = sheet.width / columns, h = sheet.height / rows;
  const tiles = await Promise.all(Array.from({ length: count }, (_, i) =>
    createImageBitmap(sheet, (i % columns) * w, Math.floor(i / columns) * h, w, h)));
  sheet.close();
  return tiles;
}

// Noise looks like noise only with crisp pixels; a picture looks better enlarged smoothly.
const NOISY = 0.3;

// Draws pictures as a grid that fills the canvas.
function paint(canvas, bitmaps, smooth) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  const columns = Math.ceil(Math.sqrt(bitmaps.length)), rows = Math.ceil(bitmaps.length / columns);
  const gap = bitmaps.length > 1 ? Math.round(4 * scale) : 0;
  const { width: w, height: h } = bitmaps[0];
  const zoom = Math.min((width - gap * (columns - 1)) / (columns * w), (height - gap * (rows - 1)) / (rows * h));
  const left = (width - columns * w * zoom - gap * (columns - 1)) / 2;
  const top = (height - rows * h * zoom - gap * (rows - 1)) / 2;
  pen.imageSmoothingEnabled = smooth || zoom < 1;
  pen.imageSmoothingQuality = "high";
  bitmaps.forEach((bitmap, i) => {
    const x = left + (i % columns) * (w * zoom + gap), y = top + Math.floor(i / columns) * (h * zoom + gap);
    pen.drawImage(bitmap, Math.round(x), Math.round(y), Math.round(w * zoom), Math.round(h * zoom));
  });
}

export function createPane(id) {
  const canvas = el("canvas", { id, role: "img" });
  const name = el("b"), help = el("span", { class: "help" });
  let label = "";
  const node = el("figure", { class: "pane" }, el("div", { class: "stage" }, canvas), el("figcaption", {}, name, help));
  return {
    node,
    show: (bitmaps, smooth) => { paint(canvas, bitmaps, smooth); canvas.dataset.shown = "true"; },
    wash: (bitmaps) => paint(canvas, bitmaps, false),
    clear: () => { canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height); delete canvas.dataset.shown; },
    label: (key) => {
      if (label === key + language()) return;
      label = key + language();
      name.textContent = t(key);
      help.textContent = t(`${key}.help`);
      canvas.setAttribute("aria-label", t(key));
    },
  };
}

// What every picture starts from, as long as there is none.
async function noise(size = 64) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const data = Uint8ClampedArray.from({ length: size * size * 4 }, (_, i) => (i % 4 === 3 ? 255 : 128 + 60 * normal()));
  return [await createImageBitmap(new ImageData(data, size))];
}

export function mountLive(root) {
  const noisy = createPane("live-x"), guess = createPane("live-x0");
  const empty = el("p", { class: "empty" });
  const status = el("span", { id: "live-status", role: "status" });
  const sigma = el("span", { id: "live-sigma", class: "figures" });
  const left = el("span", { id: "live-left", class: "figures" });
  const bar = el("progress", { id: "live-progress", max: 1, value: 0 });
  const { play, range, stop } = createPlayer({ play: "live-play", range: "live-scrub" }, {
    show: (i) => { range.value = i; show({ frame: frames[i], last: i === frames.length - 1 }); },
    pause: (last) => Math.max(40, Math.min(250, 4000 / (last + 1))),
  });
  play.disabled = range.disabled = true;
  const films = createFilms("live-films", { name: () => `denoising-${job.id}`, make: (kind) => file(`jobs/${job.id}/film.${kind}`) });
  films.hidden = true;
  const notes = el("ul", { id: "live-notes", class: "notes" });
  const view = el("section", { id: "live-view", "data-state": "idle" },
    el("div", { class: "panes" }, noisy.node, guess.node, empty),
    el("div", { class: "line" }, status, sigma, left), bar,
    el("div", { class: "scrub" }, play, range, films), notes);
  root.replaceChildren(view);

  let frames = [], finals = null, job = null, shown = null;

  const show = newest(async (item) => {
    shown = item;
    const finished = item.last && finals;
    const count = job?.request?.count ?? 1;
    const [x, x0] = await Promise.all([item.frame && cut(item.frame.x, count), finished || (item.frame && cut(item.frame.x0, count))]);
    if (shown !== item) return [x, finished ? null : x0].flat().forEach((bitmap) => bitmap?.close());
    empty.hidden = true;
    if (x) noisy.show(x, item.frame.sigma < NOISY);
    if (x0) guess.show(x0, true);
    if (x) noisy.label("live.x");
    guess.label(nameOfGuess(finished));
    if (item.frame) say(item.frame);
    [x, finished ? null : x0].flat().forEach((bitmap) => bitmap?.close());
  });

  function nameOfGuess(finished) {
    if (finished) return job?.state === "cancelled" ? "live.stopped" : "live.done";
    return job?.generator === "upscale" ? "live.enlarged" : "live.x0";
  }
  // A job without steps has the picture that it began with beside the one that it made.
  async function showBefore({ id, request }) {
    noisy.label("live.before");
    const bytes = await blob(`inputs/${encodeURIComponent(request.image)}.png`);
    if (bytes && job?.id === id) noisy.show([await createImageBitmap(bytes)], true);
  }

  function say({ index, total, sigma: level }) {
    if (job && over(job)) status.textContent = stepName(index, total);
    sigma.textContent = level == null ? "" : `σ ${level >= 10 ? level.toFixed(1) : level.toFixed(3)}`;
    range.setAttribute("aria-valuetext", `${stepName(index, total)}, σ ${level?.toFixed(3)}`);
  }
  const stepName = (step, total) => (step ? t("live.step", { step, total }) : t(job?.request?.image ? "live.noised" : "live.start", { total }));

  function progress(part) {
    const { done, total, seconds, stage } = part;
    if (job?.stopping) return;
    if (total) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
    const named = stage !== "denoising" && has(`stage.${stage}`);
    status.textContent = named ? t(`stage.${stage}`) : done && total ? stepName(done, total) : t("state.starting");
    left.textContent = seconds != null && seconds > 0.5 ? t("live.left", { seconds: Math.ceil(seconds) }) : "";
  }

  function describe() {
    view.setAttribute("aria-label", t("live"));
    empty.textContent = t("live.empty");
    noisy.label(job?.generator === "upscale" ? "live.before" : "live.x");
    guess.label(nameOfGuess(shown?.last && finals));
    notes.replaceChildren(...(job?.notes ?? []).map((note) => el("li", {}, note)));
  }

  function jobChanged(next) {
    job = next;
    view.dataset.state = job?.state ?? "idle";
    describe();
    if (!job) { status.textContent = ""; return; }
    if (job.state === "waiting") {
      const place = job.position == null ? "" : ` · ${t("queue.position", { position: job.position + 1 })}`;
      status.textContent = stateName(job) + place;
      bar.removeAttribute("value");
    }
    if (job.stopping) { status.textContent = t("state.stopping"); left.textContent = ""; }
    if (over(job)) {
      bar.max = 1; bar.value = 1; left.textContent = "";
      if (!frames.length || job.state !== "done") status.textContent = stateName(job);
    }
  }

  on("watch", (next) => {
    stop();
    finals?.forEach((bitmap) => bitmap.close());
    frames = []; finals = null; shown = null;
    noisy.clear(); guess.clear();
    empty.hidden = Boolean(next);
    range.disabled = play.disabled = films.hidden = true;
    range.value = 0;
    sigma.textContent = left.textContent = "";
    bar.value = 0;
    jobChanged(next);
    if (next?.generator === "upscale") showBefore(next);
  });
  on("job", jobChanged);
  on("pending", () => { status.textContent = t("state.sending"); });
  on("lost", () => { status.textContent = t("live.lost"); });
  on("progress", progress);
  on("frame", (frame) => {
    range.max = frame.total; range.value = frame.index;
    show({ frame, last: false });
  });
  on("finished", async ({ frames: all, images }) => {
    const old = finals;
    frames = all;
    finals = images.length ? images : null;
    range.max = Math.max(0, frames.length - 1);
    range.disabled = play.disabled = frames.length < 2;
    films.hidden = frames.length < 2;
    range.value = range.max;
    if (frames.length || finals) await show({ frame: frames.at(-1), last: true });
    old?.forEach((bitmap) => bitmap.close());
  });
  on("language", () => { describe(); jobChanged(job); if (shown?.frame) say(shown.frame); });
  const waiting = noise();
  new ResizeObserver(async () => {
    if (shown) show(shown);
    else if (!job) { const pixels = await waiting; if (!job) noisy.wash(pixels); }
  }).observe(view);
  describe();
  if (state.watched) emit("remount");
}
