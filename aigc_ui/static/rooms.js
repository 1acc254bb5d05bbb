// The rooms of the page and the benches in them: which are open, how one is opened, and states that wait for theirs.
import { t } from "./words.js";

// By name. A closed tab has no bench yet.
const open = {}, waiting = {};
// On a phone, tabs that do not fit are buttons in the menu of their row.
/** @returns {HTMLElement | undefined} */
const tab = (row, key) => [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`#${row} :is([role="tab"], .overflow-menu button, .overflow-dropdown button)`))]
  .find((button) => button.textContent.trim() === t(key));
const seen = (bench) => Boolean(bench?.node.isConnected && bench.node.offsetParent);
const ROOMS = {
  lab: { row: "benches", benches: ["schedule", "reverse", "points", "digits", "bound"] },
  families: { row: "family-benches", benches: ["family-race", "latents", "round-trip", "family-training", "family-own"] },
};
// In which room a bench stands; undefined for none of ours.
export const roomOf = (name) => Object.keys(ROOMS).find((room) => ROOMS[room].benches.includes(name));
export const openRoom = (room) => tab("tabs", `tab.${room}`)?.click();
export async function openBench(name, state) {
  const room = roomOf(name);
  waiting[name] = state;
  openRoom(room);
  for (let tries = 0; waiting[name] === state && tries < 100; tries++) {
    if (!seen(open[name])) tab(ROOMS[room].row, `tab.${name}`)?.click();
    else take(name);
    await new Promise((done) => setTimeout(done, 100));
  }
}
function take(name) {
  const state = waiting[name];
  delete waiting[name];
  if (state) open[name].show(state);
}
export const openedBench = () => Object.values(open).find(seen);
export const showControls = () => Object.values(open).forEach((bench) => bench.hide([]));

// A bench is there now; whether a state had waited for it.
export function arrived(bench) {
  open[bench.name] = bench;
  if (!waiting[bench.name]) return false;
  take(bench.name);
  return true;
}
