// The live view: the noisy picture and the current guess side by side, then a scrubber over all steps.
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { blob } from "./http.js";
import { createParts } from "./live_parts.js";
import { cut, noise } from "./panes.js";
import { remark } from "./sentences.js";
import { state } from "./state.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").Job} Job
 * @typedef {import("./engine.d.ts").Frame} Frame
 * @typedef {{ frame: Frame | undefined, last: boolean }} Item what is shown: a step, and whether it is the last one
 */

// Noise looks like noise only with crisp pixels; a picture looks better enlarged smoothly.
const NOISY = 0.3;

/** What is looked at: the job, its steps, and the saved pictures for the last of them. */
class LiveView {
  /** @type {Job | undefined} */
  job;
  /** @type {Frame[]} */
  frames = [];
  /** @type {ImageBitmap[] | null} */
  finals = null;
  /** @type {Item | null} */
  item = null;

  constructor() {
    this.parts = createParts(
      (step) => this.showStep(step),
      () => this.job?.id,
    );
    this.show = newest((/** @type {Item} */ item) => this.paint(item));
  }

  /** @param {number} step */
  showStep(step) {
    this.parts.range.value = String(step);
    this.offerBranches();
    this.show({ frame: this.frames[step], last: step === this.frames.length - 1 });
  }

  /** @param {Item} item */
  async paint(item) {
    this.item = item;
    const { noisy, guess, empty } = this.parts,
      { frame } = item,
      finals = item.last ? this.finals : null,
      count = this.job?.request?.count ?? 1;
    const [x, x0] = await Promise.all([frame && cut(frame.x, count), finals ? null : frame && cut(frame.x0, count)]);
    const own = [...(x ?? []), ...(x0 ?? [])]; // the saved pictures stay
    if (this.item === item) {
      const clean = finals ?? x0;
      empty.hidden = true;
      if (x && frame) noisy.show(x, frame.sigma < NOISY);
      if (clean) guess.show(clean, true);
      if (x) noisy.label("live.x");
      guess.label(this.nameOfGuess(Boolean(finals)));
      if (frame) this.say(frame);
    }
    own.forEach((bitmap) => bitmap.close());
  }

  /** @param {boolean} finished */
  nameOfGuess(finished) {
    if (finished) return this.job?.state === "cancelled" ? "live.stopped" : "live.done";
    return this.job?.generator === "upscale" ? "live.enlarged" : "live.x0";
  }

  /** A job without steps has the picture that it began with beside the one that it made. @param {Job} job */
  async showBefore({ id, request }) {
    const { noisy } = this.parts;
    noisy.label("live.before");
    const bytes = await blob(`inputs/${encodeURIComponent(request.image ?? "")}.png`);
    if (bytes && this.job?.id === id) noisy.show([await createImageBitmap(bytes)], true);
  }

  /** @param {Frame} frame */
  say(frame) {
    this.parts.range.setAttribute("aria-valuetext", this.parts.line.frame(frame));
  }

  describe() {
    const { view, empty, noisy, guess, notes, settling, branches } = this.parts;
    settling.say();
    branches.follow(this.job);
    view.setAttribute("aria-label", t("live"));
    empty.textContent = t("live.empty");
    noisy.label(this.job?.generator === "upscale" ? "live.before" : "live.x");
    guess.label(this.nameOfGuess(Boolean(this.item?.last && this.finals)));
    const said = new Set((this.job?.notes ?? []).map(remark)); // each picture of a sheet may have the same to say
    notes.replaceChildren(...[...said].map((note) => el("li", {}, note)));
    this.parts.origin.show(this.job);
  }

  /** @param {Job | undefined} next */
  jobChanged(next) {
    this.job = next;
    this.parts.view.dataset.state = next?.state ?? "idle";
    this.describe();
    this.parts.line.follow(next ?? null, this.frames.length > 0);
    if (this.item?.frame) this.say(this.item.frame); // also after "Sending" that came to nothing
  }

  /** What can be branched, once all steps are there. */
  offerBranches() {
    const { branches, range } = this.parts;
    const steps = this.frames.at(-1)?.total ?? 0;
    branches.show(this.frames.length ? this.job : undefined, this.frames[Number(range.value)], steps);
  }

  /** Another job is looked at. @param {Job} next */
  watch(next) {
    const { stop, noisy, guess, empty, range, play, films, line } = this.parts;
    stop();
    this.finals?.forEach((bitmap) => bitmap.close());
    this.frames = [];
    this.finals = null;
    this.item = null;
    noisy.clear();
    guess.clear();
    empty.hidden = Boolean(next);
    range.disabled = play.disabled = films.hidden = true;
    range.value = "0";
    line.clear();
    this.parts.settling.show([]);
    this.offerBranches();
    this.jobChanged(next);
    if (next?.generator === "upscale") this.showBefore(next);
  }

  /** A step as it comes. @param {Frame} frame */
  follow(frame) {
    const { range } = this.parts;
    range.max = String(frame.total);
    range.value = String(frame.index);
    this.show({ frame, last: false });
  }

  /** All steps at once, and the saved pictures. @param {{ frames: Frame[], images: ImageBitmap[] }} all */
  async finish({ frames, images }) {
    const { range, play, films } = this.parts,
      old = this.finals;
    this.frames = frames;
    this.finals = images.length ? images : null;
    range.max = String(Math.max(0, frames.length - 1));
    range.disabled = play.disabled = films.hidden = frames.length < 2;
    range.value = range.max;
    this.offerBranches();
    this.parts.settling.show(frames);
    if (frames.length || this.finals) await this.show({ frame: frames.at(-1), last: true });
    old?.forEach((bitmap) => bitmap.close());
  }

  speak() {
    this.jobChanged(this.job);
    if (this.item?.frame) this.say(this.item.frame);
  }

  // What every picture starts from, as long as there is none; the canvases take the size that the page gives them.
  fit() {
    const waiting = noise();
    new ResizeObserver(async () => {
      if (this.item) this.show(this.item);
      else if (!this.job) {
        const pixels = await waiting;
        if (!this.job) this.parts.noisy.wash(pixels);
      }
    }).observe(this.parts.view);
  }
}

/** @param {HTMLElement} root */
export function mountLive(root) {
  const live = new LiveView(),
    { line, view } = live.parts;
  root.replaceChildren(view);
  on("watch", (next) => live.watch(next));
  on("job", (next) => live.jobChanged(next));
  on("pending", () => line.say("state.sending"));
  on("lost", () => line.say("live.lost"));
  on("progress", line.progress);
  on("frame", (frame) => live.follow(frame));
  on("finished", (all) => live.finish(all));
  on("language", () => live.speak());
  on("sentences", () => live.speak());
  live.fit();
  live.describe();
  if (state.watched) emit("remount");
}
