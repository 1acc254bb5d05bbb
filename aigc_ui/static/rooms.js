// The rooms of the page and the benches in them: which are open, how one is opened, and states that wait for theirs.
import { tell } from "./wire.js";

// By name. A tab that was never opened has no bench yet.
const open = {},
  waiting = {};
const seen = (bench) => Boolean(bench?.node.isConnected && bench.node.offsetParent);
const ROOMS = {
  lab: ["schedule", "reverse", "points", "digits", "bound"],
  families: ["family-race", "latents", "round-trip", "family-training", "family-own"],
};
// In which room a bench stands; undefined for none of ours.
export const roomOf = (name) => Object.keys(ROOMS).find((room) => ROOMS[room].includes(name));
// Gradio opens the tabs, which only it knows: on a phone some are in a menu.
export const openRoom = (room, bench = "") => tell("room", { room, bench });
// A bench takes a state once it is there and has a size.
export function openBench(name, state) {
  waiting[name] = state;
  if (seen(open[name])) take(name);
  else openRoom(roomOf(name), name);
}
function take(name) {
  const state = waiting[name];
  delete waiting[name];
  if (state) open[name].show(state);
  return Boolean(state);
}
export const openedBench = () => Object.values(open).find(seen);
export const showControls = () => Object.values(open).forEach((bench) => bench.hide([]));

// A bench is there now; whether a state had waited for it. A hidden one that appears has a size again.
export function arrived(bench) {
  open[bench.name] = bench;
  new ResizeObserver(() => {
    if (seen(bench)) take(bench.name);
  }).observe(bench.node);
  return take(bench.name);
}
