// A button that plays a range of steps, and the range itself: of the live view and of the lab's benches.
import { el, icon, icons } from "./dom.js";
import { on } from "./events.js";
import { t } from "./words.js";

/**
 * `show(place)` draws each, every `pause(last)` milliseconds, from the start at the end. The range is moved by `show`.
 * @param {{ play: string, range: string }} ids
 * @param {{ show: (place: number) => unknown, pause: (last: number) => number }} acts
 */
export function createPlayer(ids, { show, pause }) {
  const play = el("button", { type: "button", class: "round", id: ids.play });
  const range = el("input", { type: "range", id: ids.range, min: 0, max: 1, value: 0 });
  let timer = 0;
  const say = () => {
    play.replaceChildren(icon(timer ? icons.pause : icons.play));
    play.title = t(timer ? "live.pause" : "live.play");
    play.setAttribute("aria-label", play.title);
    range.setAttribute("aria-label", t("live.scrub"));
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    say();
  };
  play.addEventListener("click", () => {
    if (timer) return stop();
    const last = +range.max;
    let place = +range.value >= last ? 0 : +range.value;
    timer = setInterval(() => {
      show(place);
      if (++place > last) stop();
    }, pause(last));
    say();
  });
  range.addEventListener("input", () => {
    stop();
    show(+range.value);
  });
  on("language", say);
  say();
  return { play, range, stop, pace: () => pause(+range.max) };
}
