// A small network learns the points of the plane: how it is started and stopped, its loss, its error by t and its bound.
import { forTraining } from "./classroom.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { followJob } from "./follow.js";
import { api, post } from "./http.js";
import { createTrainingBound } from "./lab_training_bound.js";
import { createPlot } from "./plot.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").PointsRequest} Values
 * @typedef {import("./types.d.ts").LearnedPoints} LearnedPoints
 * @typedef {import("./types.d.ts").Place} Place
 * @typedef {{ training_steps: number, learning_rate: number, width: number }} Settings
 */

/** @type {Settings} */
const USUAL = { training_steps: 2000, learning_rate: 0.002, width: 128 };

// Boxes for how it learns; `chosen` always holds what is in them, NaN for an empty one.
function createSettings() {
  const chosen = { ...USUAL },
    names = /** @type {(keyof Settings)[]} */ (Object.keys(USUAL));
  const node = el("div", { class: "train-settings" });
  const boxes = names.map((name) => {
    const label = el("span");
    /** @type {HTMLInputElement} */
    const box = el("input", {
      type: "number",
      step: "any",
      value: chosen[name],
      "data-train": name,
      oninput: () => {
        chosen[name] = box.value === "" ? NaN : +box.value;
      },
    });
    node.append(el("label", { class: "control" }, label, box));
    return { name, label, box };
  });
  /** Those of a link or a file; the usual ones for those that it lacks. @param {import("./types.d.ts").Stranger} given */
  function take(given) {
    for (const { name, box } of boxes) {
      chosen[name] = Number.isFinite(given[name]) ? given[name] : USUAL[name];
      box.value = String(chosen[name]);
    }
  }
  const say = () => {
    for (const { name, label } of boxes) label.textContent = t(`train.field.${name}`);
  };
  return { node, chosen, take, say };
}

// The course of a training: its loss, its error by t, its bound. Hidden until there is one.
function createCourse() {
  const loss = createPlot("plot-loss"),
    byT = createPlot("plot-error"),
    bound = createTrainingBound();
  const node = el("div", { class: "plots", hidden: true }, loss.node, byT.node, ...bound.nodes);
  /** @param {Place[]} losses by step */
  function drawLoss(losses) {
    loss.draw({
      title: t("train.loss"),
      x: { label: t("train.steps"), low: 0 },
      y: { low: 0 },
      series: [
        {
          name: t("train.loss"),
          x: losses.map(([step]) => step),
          y: losses.map(([, value]) => value),
          colour: "--plot-1",
        },
      ],
    });
  }
  /** @param {{ losses: Place[], snapshot: LearnedPoints | null, learning: boolean }} course */
  function draw({ losses, snapshot, learning }) {
    if (node.hidden) return;
    drawLoss(losses);
    byT.node.hidden = !snapshot;
    bound.draw(snapshot?.bound, learning);
    if (!snapshot) return;
    /** @type {(name: "loss_by_t" | "least_by_t" | "error_by_t", colour: string, dash?: string) => import("./types.d.ts").Series} */
    const line = (name, colour, dash) => ({
      name: t(`train.${name}`),
      x: snapshot.levels,
      y: snapshot[name],
      colour,
      dash,
    });
    byT.draw({
      title: t("train.by_t"),
      x: { label: "t" },
      y: { log: true },
      series: [line("loss_by_t", "--plot-1"), line("least_by_t", "--plot-4", "5 4"), line("error_by_t", "--plot-2")],
    });
  }
  return { node, draw, drawLoss };
}

/** @param {Values} values */
const fingerprint = (values) => JSON.stringify(values);

/**
 * What a training asks of its bench: the values to learn with; `begun` when it starts, `learned` when there is more.
 * @typedef {{ values: () => Values, begun: () => void, learned: () => void }} Hooks
 */
export function createTraining() {
  const view = createView(),
    course = createCourse(),
    settings = createSettings();
  const elsewhere = el("p", { class: "help", id: "train-elsewhere", hidden: true });
  const node = el(
    "section",
    { class: "training" },
    view.title,
    view.note,
    settings.node,
    el("div", { class: "plane-line" }, view.start, view.stop, view.status),
    forTraining(view.start),
    view.message,
    elsewhere,
    course.node,
  );
  /** @type {Hooks} */
  let hooks;
  /** @type {Place[]} */
  let losses = [];
  /** @type {LearnedPoints | null} */
  let snapshot = null;
  /** @type {string | null} the values that it was learned from */
  let learnedFrom = null;
  let askedWith = "";
  const draw = () => course.draw({ losses, snapshot, learning: job.learning() });
  const job = createJob(view, {
    request: () => {
      askedWith = fingerprint(hooks.values());
      return { ...hooks.values(), ...settings.chosen };
    },
    begun: () => {
      [losses, snapshot, learnedFrom] = [[], null, askedWith];
      hooks.begun();
      hooks.learned();
      course.node.hidden = false;
    },
    lost: (step, value) => {
      losses.push([step, value]);
      course.drawLoss(losses);
    },
    learned: (values) => {
      snapshot = values;
      hooks.learned();
    },
    draw,
  });

  function say() {
    view.say();
    elsewhere.textContent = t("train.elsewhere");
    settings.say();
    draw();
  }
  on("language", say);
  say();

  /**
   * What was learned, drawn with other settings than these, is not what they would give: null then, and it is said.
   * @param {Values} values
   */
  function of(values) {
    const same = fingerprint(values) === learnedFrom;
    elsewhere.hidden = same || learnedFrom == null;
    return same ? snapshot : null;
  }
  /** @param {Hooks} next */
  const serve = (next) => {
    hooks = next;
  };
  return { node, serve, of, settings: () => ({ ...settings.chosen }), take: settings.take };
}

/** The buttons that start and stop it, and how it stands. */
function createView() {
  const start = el("button", { type: "button", id: "train-start" }),
    stop = el("button", { type: "button", id: "train-stop", hidden: true });
  const status = el("output", { class: "figures", id: "train-status", role: "status" }),
    title = el("h3"),
    message = el("p", { class: "alas", role: "alert", hidden: true }),
    note = el("p", { class: "help" });
  function say() {
    title.textContent = t("train.title");
    note.textContent = t("train.help");
    start.textContent = t("train.start");
    stop.textContent = t("stop");
  }
  /** @param {string} text */
  function complain(text) {
    message.textContent = text;
    message.hidden = false;
  }
  return { start, stop, status, title, message, note, say, complain };
}

/**
 * The job that learns, behind its buttons.
 * @param {ReturnType<typeof createView>} view
 * @param {{ request: () => Values & Settings, begun: () => void, lost: (step: number, value: number) => void,
 *   learned: (values: LearnedPoints) => void, draw: () => void }} heard
 */
function createJob({ start, stop, status, message, complain }, heard) {
  /** @type {import("./engine.d.ts").Job | null} */
  let job = null;
  let learning = false,
    leave = () => {};
  /** @param {boolean} running */
  function turn(running) {
    learning = running;
    start.hidden = running;
    stop.hidden = !running;
  }
  async function begin() {
    message.hidden = true;
    start.disabled = true;
    try {
      job = /** @type {import("./engine.d.ts").Job} */ (
        await post("jobs", { generator: "points-training", request: heard.request() })
      );
    } catch (error) {
      return complain(/** @type {Error} */ (error).message);
    } finally {
      start.disabled = false;
    }
    heard.begun();
    status.textContent = t("state.waiting");
    heard.draw();
    turn(true);
    listen(job.id);
  }
  /** @param {string} id */
  function listen(id) {
    leave();
    leave = followJob(id, {
      loss: (/** @type {import("./engine.d.ts").Loss} */ { step, losses }) => heard.lost(step, losses.loss),
      progress: (/** @type {import("./engine.d.ts").Progress} */ { done, total }) => {
        status.textContent = t("train.step", { done, total });
      },
      snapshot: (/** @type {{ values: any }} */ { values }) => {
        heard.learned(values);
        heard.draw();
      },
      failed: complain,
      end: (/** @type {string} */ state) => {
        turn(false);
        status.textContent = state === "failed" ? "" : t(`state.${state}`);
        heard.draw();
      },
    });
  }
  start.addEventListener("click", begin);
  stop.addEventListener("click", () => {
    status.textContent = t("state.stopping");
    api(`jobs/${job?.id}`, { method: "DELETE" }).catch((error) => complain(error.message));
  });
  return { learning: () => learning };
}
