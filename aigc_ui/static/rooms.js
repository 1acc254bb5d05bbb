// The rooms of the page and the benches in them: which are open, how one is opened, and states that wait for theirs.
import { tell } from "./wire.js";

/**
 * @typedef {{
 *   name: string, node: HTMLElement, show: (state: any) => void, hide: (controls: string[]) => void,
 *   values: () => Record<string, any>, look: () => Record<string, any>, shown: () => string[],
 * }} Bench what it holds, what is chosen besides, and the controls that it shows
 */

/** By name. A tab that was never opened has no bench yet. @type {Record<string, Bench>} */
const open = {};
/** @type {Record<string, any>} */
const waiting = {};
/** @param {Bench | undefined} bench */
const seen = (bench) => Boolean(bench?.node.isConnected && bench.node.offsetParent);
/** The benches of each room, with the place on the page that each fills. @type {Record<string, Record<string, string>>} */
export const BENCHES = {
  lab: {
    schedule: "lab-schedule",
    reverse: "lab-reverse",
    points: "lab-points",
    digits: "lab-digits",
    bound: "lab-bound",
  },
  families: {
    "family-race": "family-race",
    latents: "family-latents",
    "round-trip": "family-round-trip",
    "family-training": "family-training",
    "family-own": "family-own",
  },
};
/** In which room a bench stands; undefined for none of ours. @param {string} name */
export const roomOf = (name) => Object.keys(BENCHES).find((room) => Object.hasOwn(BENCHES[room], name));
/** Gradio opens the tabs, which only it knows: on a phone some are in a menu. @param {string | undefined} room */
export const openRoom = (room, bench = "") => tell("room", { room, bench });
/** A bench takes a state once it is there and has a size. @param {string} name @param {any} state */
export function openBench(name, state) {
  waiting[name] = state;
  if (seen(open[name])) take(name);
  else openRoom(roomOf(name), name);
}
/** @param {string} name */
function take(name) {
  const state = waiting[name];
  delete waiting[name];
  if (state) open[name].show(state);
  return state;
}
export const openedBench = () => Object.values(open).find(seen);
/** What is on the open bench. @param {string[]} hide controls that are hidden for who opens it */
export function openedState(hide = []) {
  const bench = openedBench();
  return bench && { bench: bench.name, values: bench.values(), look: bench.look(), hide };
}
export const showControls = () => Object.values(open).forEach((bench) => bench.hide([]));

/**
 * A bench is there now; the state that had waited for it, if any. A hidden one that appears has a size again.
 * @param {Bench} bench
 */
export function arrived(bench) {
  open[bench.name] = bench;
  new ResizeObserver(() => {
    if (seen(bench)) take(bench.name);
  }).observe(bench.node);
  return take(bench.name);
}
