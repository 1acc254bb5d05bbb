// The live view: the noisy picture and the current guess side by side, then a scrubber over all steps.
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { createFilms } from "./film.js";
import { blob, file } from "./http.js";
import { createStatusLine } from "./live_status.js";
import { createPane, cut, noise } from "./panes.js";
import { createPlayer } from "./player.js";
import { remark } from "./sentences.js";
import { state } from "./state.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

// Noise looks like noise only with crisp pixels; a picture looks better enlarged smoothly.
const NOISY = 0.3;

export function mountLive(root) {
  const noisy = createPane("live-x"),
    guess = createPane("live-x0");
  const empty = el("p", { class: "empty" }),
    line = createStatusLine();
  const { play, range, stop } = createPlayer(
    { play: "live-play", range: "live-scrub" },
    {
      show: (i) => {
        range.value = i;
        show({ frame: frames[i], last: i === frames.length - 1 });
      },
      pause: (last) => Math.max(40, Math.min(250, 4000 / (last + 1))),
    },
  );
  play.disabled = range.disabled = true;
  const films = createFilms("live-films", {
    name: () => `denoising-${job.id}`,
    make: (kind) => file(`jobs/${job.id}/film.${kind}`),
  });
  films.hidden = true;
  const notes = el("ul", { id: "live-notes", class: "notes" });
  const view = el(
    "section",
    { id: "live-view", "data-state": "idle" },
    el("div", { class: "panes" }, noisy.node, guess.node, empty),
    ...line.nodes,
    el("div", { class: "scrub" }, play, range, films),
    notes,
  );
  root.replaceChildren(view);

  let frames = [],
    finals = null,
    job = null,
    shown = null;

  const show = newest(async (item) => {
    shown = item;
    const finished = item.last && finals;
    const count = job?.request?.count ?? 1;
    const [x, x0] = await Promise.all([
      item.frame && cut(item.frame.x, count),
      finished || (item.frame && cut(item.frame.x0, count)),
    ]);
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

  const say = (frame) => range.setAttribute("aria-valuetext", line.frame(frame));
  function describe() {
    view.setAttribute("aria-label", t("live"));
    empty.textContent = t("live.empty");
    noisy.label(job?.generator === "upscale" ? "live.before" : "live.x");
    guess.label(nameOfGuess(shown?.last && finals));
    notes.replaceChildren(...(job?.notes ?? []).map((note) => el("li", {}, remark(note))));
  }

  function jobChanged(next) {
    job = next;
    view.dataset.state = job?.state ?? "idle";
    describe();
    line.follow(job, frames.length > 0);
  }

  on("watch", (next) => {
    stop();
    finals?.forEach((bitmap) => bitmap.close());
    frames = [];
    finals = null;
    shown = null;
    noisy.clear();
    guess.clear();
    empty.hidden = Boolean(next);
    range.disabled = play.disabled = films.hidden = true;
    range.value = 0;
    line.clear();
    jobChanged(next);
    if (next?.generator === "upscale") showBefore(next);
  });
  on("job", jobChanged);
  on("pending", () => line.say("state.sending"));
  on("lost", () => line.say("live.lost"));
  on("progress", line.progress);
  on("frame", (frame) => {
    range.max = frame.total;
    range.value = frame.index;
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
  on("sentences", describe);
  on("language", () => {
    describe();
    jobChanged(job);
    if (shown?.frame) say(shown.frame);
  });
  const waiting = noise();
  new ResizeObserver(async () => {
    if (shown) show(shown);
    else if (!job) {
      const pixels = await waiting;
      if (!job) noisy.wash(pixels);
    }
  }).observe(view);
  describe();
  if (state.watched) emit("remount");
}
