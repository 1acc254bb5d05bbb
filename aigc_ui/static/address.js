// Where the page is, as its address says it: a room, a bench in it and a lesson; Back, Reload and links go by it.
import { around } from "./dom.js";
import { emit, on } from "./events.js";
import { BENCHES, openBench, openRoom, openedState, roomOf } from "./rooms.js";

/**
 * Each room of the page, with an element that is seen when it is open.
 * @type {Record<string, string>}
 */
const ROOMS = {
  create: "create",
  lab: "lab-lessons",
  families: "family-lessons",
  gallery: "gallery",
  models: "library",
};
const OWN_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const FRAMES = 30; // that Gradio may take to change tabs

/** @typedef {import("./types.d.ts").Whereabouts} Place */

/** @param {unknown} state */
export const packed = (state) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(state))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
/** What a link holds, unchecked; null where that cannot be read. @param {string} text */
export function unpacked(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** What the address says; of a stranger's only names that are here count. @returns {Place} */
export function placeOfAddress() {
  const said = new URLSearchParams(location.hash.slice(1)),
    state = said.get("lab") ?? undefined,
    tab = said.get("tab") ?? "create";
  const named = (state ? unpacked(state)?.bench : said.get("bench")) ?? "";
  const room = roomOf(named) ?? (state ? "lab" : Object.hasOwn(ROOMS, tab) ? tab : "create");
  const bench = roomOf(named) ? named : firstBench(room);
  return { room, bench, lesson: said.get("lesson") ?? undefined, state };
}
/** @param {Place} place */
function addressOf({ room, bench, lesson }) {
  /** @type {Record<string, string> | null} */
  const names = bench ? { bench, ...(lesson && { lesson }) } : room === "create" ? null : { tab: room };
  return location.pathname + location.search + (names ? `#${new URLSearchParams(names)}` : "");
}

/** @param {string} id */
const seen = (id) => Boolean(document.getElementById(id)?.offsetParent);
/** What is open on the page. @returns {Place} */
function placeOfPage() {
  const room = Object.keys(ROOMS).find((name) => seen(ROOMS[name])) ?? "create",
    benches = Object.entries(BENCHES[room] ?? {});
  return { room, bench: benches.find(([, place]) => seen(place))?.[0] ?? firstBench(room) };
}
/** The bench that a room opens with. @param {string} room @returns {string | undefined} */
const firstBench = (room) => Object.keys(BENCHES[room] ?? {})[0];
/** @param {Place} one @param {Place} other */
const same = (one, other) => one.room === other.room && one.bench === other.bench;

/**
 * A new place in the history. What the bench held before a lesson comes back with Back.
 * @param {Place} place
 */
export function enter(place) {
  const now = placeOfAddress();
  if (same(now, place) && now.lesson === place.lesson && !now.state) return;
  if (now.lesson !== place.lesson) history.replaceState({ left: openedState() }, "");
  history.pushState(null, "", addressOf(place));
}
/** A lesson was opened or left by hand. @param {string} bench @param {string | undefined} lesson */
export const enterLesson = (bench, lesson) => enter({ room: roomOf(bench) ?? "lab", bench, lesson });

/** Once Gradio has changed tabs after a click. */
async function followTabs() {
  for (let frame = 0; frame < FRAMES; frame++) {
    await new Promise(requestAnimationFrame);
    const page = placeOfPage();
    if (!same(page, placeOfAddress())) return enter(page);
  }
}
document.addEventListener("click", (event) => {
  if (around(event, ".tab-wrapper button")) followTabs();
});

/** The address by which others reach a shared studio; "" where that is not known. */
let outside = "";
on("me", ({ address }) => {
  outside = address;
});
/** A link to a state of a bench, for others: this machine's own name for itself leads them nowhere. @param {unknown} state */
export function linkTo(state) {
  const base = OWN_NAMES.includes(location.hostname) && outside ? outside : location.href;
  const link = new URL(location.pathname + location.search, base);
  link.hash = `lab=${packed(state)}`;
  return link.href;
}

/** The page goes where the address says. */
function go() {
  const place = placeOfAddress();
  if (!same(place, placeOfPage())) openRoom(place.room, place.bench);
  emit("address", place);
}
on("started", () => {
  if (location.hash) go();
});
window.addEventListener("hashchange", () => {
  go();
  const left = history.state?.left;
  if (left && !placeOfAddress().lesson) openBench(left.bench, left);
});
