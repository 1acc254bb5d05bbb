// What a job that waits or runs says of its turn: its place, when it begins, how long it takes, with whom it shares.
import { rounded } from "./durations.js";
import { t } from "./words.js";

/** @typedef {Pick<import("./engine.d.ts").Job, "position" | "starts_in" | "ends_in" | "sharing">} Turn */

/** @param {number} seconds */
function duration(seconds) {
  const [unit, count] = rounded(seconds);
  return t(unit, { count });
}

/** Of a job that waits; one that is set aside has no place. @param {Turn} job */
export function placeInLine({ position, starts_in: startsIn }) {
  if (position == null) return [];
  const place = t("queue.position", { position: position + 1 });
  return [place, startsIn == null ? t("queue.starts.unknown") : t("queue.starts", { time: duration(startsIn) })];
}

/** Of a job that runs. @param {Turn} job */
export function timeLeft({ ends_in: endsIn, sharing }) {
  return [
    sharing ? t(sharing === 1 ? "queue.sharing.one" : "queue.sharing", { count: sharing }) : "",
    endsIn == null ? "" : t("queue.left", { time: duration(endsIn) }),
  ].filter(Boolean);
}
