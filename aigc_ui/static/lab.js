// What all benches of the lab share: controls made from an experiment's fields, and answers that follow while dragging.
import { el } from "./dom.js";
import { on } from "./events.js";
import { api, posedBy } from "./http.js";
import { createControl } from "./lab_controls.js";
import { arrived } from "./rooms.js";
import { newest, overtaking } from "./turns.js";

const PATIENCE = 400; // ms, before a newer question goes beside one without an answer

let known = null;
// Of the experiments, and of the generators whose benches start jobs.
const experiments = () =>
  (known ??= Promise.all([api("lab"), api("generators")])
    .then(([{ experiments: asked }, { generators }]) =>
      Object.fromEntries(
        [...asked, ...generators].map(({ name, fields }) => [name, Object.fromEntries(fields.map((f) => [f.name, f]))]),
      ),
    )
    .catch((error) => {
      known = null;
      throw error;
    }));

// A whole number out of a stranger's file, held between two others.
export const whole = (value, low, high, otherwise) =>
  Number.isFinite(value) ? Math.min(high, Math.max(low, Math.round(value))) : otherwise;

// A bench: controls on the left, what `show(answer, values)` draws on the right. `shown(values, parts)` is called before
// every question, `moved(name, values)` only where one control is moved by hand. `look` is what is chosen besides the
// values, such as the step that is looked at: `read()` gives it as an object for a link or a file, `take(look, values)`
// brings it back from one, whatever a stranger wrote into it, right before `show`. `request(values)` stands in for the
// one question to the experiment, where a bench asks otherwise. Returns the bench's handle.
/**
 * @param {HTMLElement} root
 * @param {{ id: string, experiment: string, controls: string[], stage: HTMLElement, show: Function, shown?: Function,
 *   moved?: Function, look?: { read: () => object, take: Function }, request?: (values: any) => Promise<any> }} bench
 */
export function createBench(root, { id, experiment, controls, stage, show, shown, moved, look, request }) {
  const list = el("div", { class: "controls" }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const node = el("section", { class: "bench", id }, el("div", { class: "bench-side" }, list, message), stage);
  root.replaceChildren(node);
  const pose = posedBy(experiment),
    posed = request ?? ((asked) => pose(`lab/${experiment}`, asked));
  let fields = {},
    values = {},
    parts = {},
    wanted = null,
    busy = 0,
    count = 0,
    latest = 0,
    again = 0;
  let shows = Promise.resolve(); // one is drawn after the other

  async function answer({ asked, seen }) {
    const number = ++count;
    node.setAttribute("aria-busy", "true");
    busy++;
    try {
      const told = await posed(asked);
      if (number < latest) return; // a newer question was answered first
      latest = number;
      await (shows = shows
        .catch(() => {})
        .then(() => {
          message.hidden = true;
          if (seen) look?.take(seen, asked);
          if (seen === wanted) wanted = null;
          return show(told, asked);
        }));
    } catch (error) {
      if (number < latest || error.code === "superseded") return;
      message.textContent = error.message;
      message.hidden = false;
      if (error.again) again = setTimeout(refresh, error.again * 1000);
    } finally {
      if (!--busy) node.removeAttribute("aria-busy");
    }
  }
  // Who asks in a way of their own may start jobs: one at a time. The studio's own questions may overtake each other.
  const ask = request ? newest(answer) : overtaking(answer, PATIENCE);
  function refresh() {
    clearTimeout(again);
    shown?.(values, parts);
    return ask({ asked: { ...values }, seen: wanted });
  }
  function change(name, value, quiet) {
    values[name] = value;
    moved?.(name, values);
    if (!quiet) parts[name]?.set(value);
    refresh();
  }
  function set(next) {
    Object.assign(values, next);
    for (const [name, value] of Object.entries(next)) parts[name]?.set(value);
    return refresh();
  }
  async function begin() {
    try {
      fields = (await experiments())[experiment];
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
      setTimeout(begin, 3000);
      return;
    }
    message.hidden = true;
    values = Object.fromEntries(Object.values(fields).map((f) => [f.name, f.default]));
    for (const name of controls) {
      parts[name] = createControl(fields[name], (value) => change(name, value, true));
      parts[name].set(values[name]);
      parts[name].say();
      list.append(parts[name].node);
    }
    if (!arrived(handle)) refresh();
  }
  // Which controls a lesson hides; those that a bench hides by itself stay so.
  function hide(names) {
    for (const [name, part] of Object.entries(parts)) part.node.classList.toggle("put-away", names.includes(name));
  }
  function restore(state) {
    const kept = Object.fromEntries(Object.entries(state.values).filter(([name]) => name in fields));
    values = Object.fromEntries(Object.values(fields).map((f) => [f.name, f.default]));
    hide(state.hide);
    wanted = state.look ?? null;
    return set({ ...values, ...kept });
  }
  on("language", () => {
    Object.values(parts).forEach((part) => part.say());
    if (Object.keys(values).length) refresh();
  });
  const handle = {
    name: experiment,
    node,
    values: () => values,
    look: () => wanted ?? look?.read() ?? {},
    fields: () => fields,
    set,
    change,
    side: list,
    hide,
    show: restore,
    shown: () => controls,
  };
  begin();
  return handle;
}
