// What all benches of the lab share: controls made from an experiment's fields, and answers that follow while dragging.
import { el } from "./dom.js";
import { on } from "./events.js";
import { api, posedBy } from "./http.js";
import { createControl } from "./lab_controls.js";
import { arrived } from "./rooms.js";
import { newest, overtaking } from "./turns.js";
import { t } from "./words.js";

/** @typedef {import("./types.d.ts").Field} Field */

const PATIENCE = 400; // ms, before a newer question goes beside one without an answer

/** @type {Promise<Record<string, Record<string, Field>>> | null} */
let known = null;
// Of the experiments, and of the generators whose benches start jobs.
const experiments = () =>
  (known ??= Promise.all([api("lab"), api("generators")])
    .then(([lab, engine]) => {
      /** @type {{ name: string, fields: Field[] }[]} */
      const all = [...lab.experiments, ...engine.generators];
      return Object.fromEntries(
        all.map(({ name, fields }) => [name, Object.fromEntries(fields.map((field) => [field.name, field]))]),
      );
    })
    .catch((error) => {
      known = null;
      throw error;
    }));

/**
 * A whole number out of a stranger's file, held between two others.
 * @template Otherwise @param {any} value @param {number} low @param {number} high @param {Otherwise} otherwise
 */
export const whole = (value, low, high, otherwise) =>
  Number.isFinite(value) ? Math.min(high, Math.max(low, Math.round(value))) : otherwise;

/**
 * A bench: controls on the left, what `show(answer, values)` draws on the right. `shown(values, parts)` is called before
 * every question, `moved(name, values)` only where one control is moved by hand, `ready(state)` once its fields are known,
 * with the state that had waited for it. `look` is what is chosen besides the
 * values, such as the step that is looked at: `read()` gives it as an object for a link or a file, `take(look, values)`
 * brings it back from one, right before `show`. `request(values)` stands in for the one question to the experiment, where
 * a bench asks otherwise.
 * @template {object} V @template A
 * @param {HTMLElement} root @param {import("./types.d.ts").Bench<V, A>} bench
 * @returns {import("./types.d.ts").BenchHandle<V>}
 */
export function createBench(root, bench) {
  const list = el("div", { class: "controls" }),
    message = createMessage(),
    node = createSection(bench, list, message);
  root.replaceChildren(node);
  const state = benchState(bench, list),
    ask = asking(bench, state, node, message, () => refresh());

  function refresh() {
    ask.wait();
    bench.shown?.(state.values, state.parts);
    return ask.now({ asked: { ...state.values }, seen: state.wanted });
  }
  /** @type {(name: keyof V & string, value: any, quiet?: boolean) => void} */
  function change(name, value, quiet) {
    state.values[name] = value;
    bench.moved?.(name, state.values);
    if (!quiet) state.parts[name]?.set(value);
    refresh();
  }
  /** @param {Partial<V>} next */
  function set(next) {
    state.put(next);
    return refresh();
  }
  async function begin() {
    let all;
    try {
      all = await experiments();
    } catch (error) {
      message.say(/** @type {Error} */ (error).message);
      setTimeout(begin, 3000);
      return;
    }
    message.clear();
    state.begin(all[bench.experiment], (name, value) => change(name, value, true));
    const given = arrived(handle);
    if (!given) refresh();
    bench.ready?.(given);
  }
  on("language", () => {
    for (const part of Object.values(state.parts)) part.say();
    if (Object.keys(state.values).length) refresh();
  });
  /** @type {import("./types.d.ts").BenchHandle<V>} */
  const handle = {
    name: bench.experiment,
    node,
    values: () => state.values,
    look: () => state.wanted ?? bench.look?.read() ?? {},
    fields: () => state.fields,
    set,
    change,
    side: list,
    hide: state.hide,
    restored: (given) => (given && !given.name ? undefined : (request) => set(state.known(request))),
    show: (given) => {
      state.restore(given);
      return refresh();
    },
    shown: () => bench.controls,
  };
  begin();
  return handle;
}

/**
 * The bench on the page. Its heading is for those who go from heading to heading; others see its tab.
 * @param {{ id: string, experiment: string, stage: HTMLElement }} bench @param {HTMLElement} list of its controls
 * @param {ReturnType<typeof createMessage>} message
 */
function createSection({ id, experiment, stage }, list, message) {
  const heading = el("h2", { class: "unseen", id: `${id}-name` }),
    side = el("div", { class: "bench-side" }, list, message.node);
  const say = () => {
    heading.textContent = t(`tab.${experiment}`);
  };
  on("language", say);
  say();
  const parts = [heading, side, stage, message.stale];
  return el("section", { class: "bench", id, "aria-labelledby": heading.id }, ...parts);
}

/**
 * The line beside the controls for what went wrong, in sight wherever the bench is scrolled to. What was drawn before on
 * the stage is then marked as of other settings.
 */
function createMessage() {
  const node = el("p", { class: "alas", role: "alert", hidden: true }),
    stale = el("p", { class: "stale", hidden: true });
  let drawn = false;
  return {
    node,
    stale,
    say: (/** @type {string} */ text) => {
      node.textContent = text;
      node.hidden = false;
      stale.textContent = t("lab.stale");
      stale.hidden = !drawn;
    },
    /** @param {boolean} [whether] something of the present settings is drawn */
    clear: (whether = drawn) => {
      drawn = whether;
      node.hidden = stale.hidden = true;
    },
  };
}

/**
 * What a bench holds: its fields, their values and their controls. `wanted` is a look that is still to be brought back.
 * @template {object} V @param {import("./types.d.ts").Bench<V, any>} bench @param {HTMLElement} list of its controls
 */
function benchState({ controls }, list) {
  const state = {
    /** @type {Record<string, Field>} */
    fields: {},
    /** @type {V} none before its fields are known */
    values: /** @type {any} */ ({}),
    /** @type {import("./types.d.ts").Parts} */
    parts: {},
    /** @type {import("./types.d.ts").Stranger | null} */
    wanted: null,
    begin,
    put,
    hide,
    restore,
    known,
  };
  const defaults = () => Object.fromEntries(Object.values(state.fields).map((field) => [field.name, field.default]));

  /** @param {Record<string, Field>} fields @param {(name: keyof V & string, value: any) => void} moved by hand */
  function begin(fields, moved) {
    state.fields = fields;
    state.values = /** @type {V} */ (defaults());
    for (const name of controls) {
      const part = createControl(fields[name], (value) => moved(name, value));
      state.parts[name] = part;
      part.set(state.values[name]);
      part.say();
      list.append(part.node);
    }
  }
  /** @param {object} next */
  function put(next) {
    Object.assign(state.values, next);
    for (const [name, value] of Object.entries(next)) state.parts[name]?.set(value);
  }
  /** Which controls a lesson hides; those that a bench hides by itself stay so. @param {string[]} names */
  function hide(names) {
    for (const [name, part] of Object.entries(state.parts))
      part.node.classList.toggle("put-away", names.includes(name));
  }
  /** @param {Record<string, any>} values @returns {Partial<V>} those of them that the bench has */
  function known(values) {
    const kept = Object.entries(values).filter(([name]) => name in state.fields);
    return /** @type {Partial<V>} */ (Object.fromEntries(kept));
  }
  /** @param {import("./types.d.ts").BenchState} given */
  function restore(given) {
    state.values = /** @type {V} */ (defaults());
    hide(given.hide);
    state.wanted = given.look ?? null;
    put({ ...state.values, ...known(given.values) });
  }
  return state;
}

/**
 * The questions of a bench: `now(question)` asks, `wait()` keeps it from being asked again by itself for a while.
 * @template {object} V @template A
 * @param {import("./types.d.ts").Bench<V, A>} bench @param {{ wanted: import("./types.d.ts").Stranger | null }} state
 * @param {HTMLElement} node @param {ReturnType<typeof createMessage>} message @param {() => void} refresh
 */
function asking({ experiment, request, look, show }, state, node, message, refresh) {
  const pose = posedBy(experiment),
    posed = request ?? ((/** @type {V} */ asked) => pose(`lab/${experiment}`, asked));
  let busy = 0,
    count = 0,
    latest = 0,
    again = 0;
  /** @type {Promise<unknown>} one is drawn after the other */
  let shows = Promise.resolve();

  /** @typedef {{ asked: V, seen: import("./types.d.ts").Stranger | null }} Question */
  /** @param {A} given @param {Question} question */
  function draw(given, { asked, seen }) {
    message.clear(!request);
    if (seen) look?.take(seen, asked);
    if (seen === state.wanted) state.wanted = null;
    return show(given, asked);
  }
  /** @param {Question} question */
  async function answer(question) {
    const number = ++count;
    node.setAttribute("aria-busy", "true");
    busy++;
    try {
      const given = await posed(question.asked);
      if (number < latest) return; // a newer question was answered first
      latest = number;
      await (shows = shows.catch(() => {}).then(() => draw(given, question)));
    } catch (error) {
      refused(/** @type {import("./types.d.ts").Refusal} */ (error), number);
    } finally {
      if (!--busy) node.removeAttribute("aria-busy");
    }
  }
  /** @param {import("./types.d.ts").Refusal} error @param {number} number of the question */
  function refused(error, number) {
    if (number < latest || error.code === "superseded") return;
    message.say(error.message);
    if (error.again) again = setTimeout(refresh, error.again * 1000);
  }
  // Who asks in a way of their own may start jobs: one at a time. The studio's own questions may overtake each other.
  const now = request ? newest(answer) : overtaking(answer, PATIENCE);
  return { now, wait: () => clearTimeout(again) };
}
