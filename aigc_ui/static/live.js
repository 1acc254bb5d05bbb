// The live view: the picture as it comes, the noise that it comes from, then a scrubber over all steps.
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { blob } from "./http.js";
import { paintedByStep, shownPictures } from "./live_acts.js";
import { createParts } from "./live_parts.js";
import { cut, noise } from "./panes.js";
import { remark } from "./sentences.js";
import { over, state } from "./state.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").Job} Job
 * @typedef {import("./engine.d.ts").Frame} Frame
 * @typedef {{ frame?: Frame, last: boolean, slowly?: boolean }} Item what is shown: a step, whether it is the last one,
 *   and whether it takes the place of what is shown slowly
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
  /** The picture that a job without steps began with. @type {ImageBitmap[] | null} */
  before = null;
  /** @type {Item | null} */
  item = null;

  constructor() {
    this.parts = createParts({
      showStep: (step) => this.showStep(step),
      looked: () => this.again(),
      open: (index) => emit("open-picture", shownPictures(this.job)[index]),
    });
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
    const { noisy, guess, look } = this.parts,
      { frame } = item,
      finals = item.last ? this.finals : null,
      part = look.now() === "apart" && frame ? this.part(frame) : undefined,
      count = part ? 1 : (this.job?.request?.count ?? 1);
    this.paintParts(part);
    const [x, x0] = await Promise.all([
      look.now() === "result" || !frame ? null : cut((part ?? frame).x, count),
      look.now() === "noise" || finals || !frame ? null : cut((part ?? frame).x0, count),
    ]);
    const own = [...(x ?? []), ...(x0 ?? [])]; // the saved pictures stay
    if (this.item === item) {
      const clean = finals ?? x0;
      if (x && frame) noisy.show(x, frame.sigma < NOISY);
      if (this.before) noisy.show(this.before, true);
      if (clean) guess.show(clean, true, item.slowly);
      item.slowly = false;
      if (x) noisy.label("live.x");
      guess.label(this.nameOfGuess(Boolean(finals)));
      if (frame) this.say(frame);
      this.offerLarge();
    }
    own.forEach((bitmap) => bitmap.close());
  }

  /** The step that is shown, taken apart: of the picture that is chosen below. @param {Frame} frame */
  part(frame) {
    const { acts, apart } = this.parts;
    return apart.at(this.job && paintedByStep(this.job) && over(this.job) ? acts.picture() : undefined, frame.index);
  }

  /** @param {Frame | undefined} part */
  async paintParts(part) {
    const { apart, look } = this.parts;
    apart.status.hidden = look.now() !== "apart";
    if (apart.status.hidden) return;
    apart.label();
    const item = this.item,
      sources = /** @type {const} */ ([
        [apart.noise, part?.eps],
        [apart.pull, part?.pull],
      ]);
    for (const [pane, source] of sources) {
      const bitmaps = source ? await cut(source, 1) : [];
      if (this.item === item && bitmaps.length) pane.show(bitmaps, pane === apart.pull);
      else if (this.item === item) pane.clear();
      bitmaps.forEach((bitmap) => bitmap.close());
    }
  }

  /** What is shown, in another size or another look. */
  again() {
    if (this.item) this.show(this.item);
  }

  /** A saved picture can be seen large. */
  offerLarge() {
    this.parts.large.hidden = !(this.item?.last && this.finals && shownPictures(this.job).length);
    this.parts.view.classList.toggle("openable", !this.parts.large.hidden);
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
    if (!bytes || this.job?.id !== id) return;
    this.before = [await createImageBitmap(bytes)];
    this.item ??= { last: false };
    this.again();
  }

  /** @param {Frame} frame */
  say(frame) {
    this.parts.range.setAttribute("aria-valuetext", this.parts.line.frame(frame));
  }

  describe() {
    const { view, noisy, guess, notes, look, large, settling, branches, film } = this.parts;
    settling.say();
    film.textContent = t("film.open");
    film.title = t("film.open.help");
    branches.follow(this.job);
    look.besideBefore(this.job?.generator === "upscale");
    large.title = t("live.large");
    large.setAttribute("aria-label", large.title);
    view.setAttribute("aria-label", t("live"));
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
    this.parts.acts.show(next);
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
    const { stop, noisy, guess, range, play, film, line } = this.parts;
    stop();
    [...(this.finals ?? []), ...(this.before ?? [])].forEach((bitmap) => bitmap.close());
    this.frames = [];
    this.finals = this.before = this.item = null;
    this.offerLarge();
    noisy.clear();
    guess.clear();
    range.disabled = play.disabled = film.hidden = true;
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
    const { range, play, film } = this.parts,
      old = this.finals,
      slowly = Boolean(this.item?.frame && !this.item.last); // from the last preview to the picture
    this.frames = frames;
    this.finals = images.length ? images : null;
    range.max = String(Math.max(0, frames.length - 1));
    range.disabled = play.disabled = frames.length < 2;
    film.hidden = range.disabled || !paintedByStep(this.job);
    range.value = range.max;
    this.offerBranches();
    this.parts.settling.show(frames);
    if (frames.length || this.finals) await this.show({ frame: frames.at(-1), last: true, slowly });
    old?.forEach((bitmap) => bitmap.close());
  }

  speak() {
    this.jobChanged(this.job);
    if (this.item?.frame) this.say(this.item.frame);
  }

  // What every picture starts from, as long as there is none; the canvases take the size that the page gives them.
  fit() {
    const waiting = noise();
    const { panes } = this.parts;
    new ResizeObserver(async () => {
      this.again();
      if (!this.item && !this.job) {
        const pixels = await waiting;
        if (!this.job) this.parts.noisy.wash(pixels);
      }
    }).observe(panes);
  }
}

/** @param {HTMLElement} root */
export function mountLive(root) {
  const live = new LiveView(),
    { line, view, branches } = live.parts;
  root.replaceChildren(view, branches.dialog);
  on("watch", (next) => live.watch(next));
  on("submitted", () => view.scrollIntoView({ block: "nearest", behavior: "smooth" }));
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
