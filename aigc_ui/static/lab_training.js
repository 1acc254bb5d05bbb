// A small network learns the points of the plane: how it is started and stopped, its loss, its error by t and its bound.
import { el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
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

/** @param {Record<string, any>} values @param {string[]} names of those that count */
const fingerprint = (values, names) => JSON.stringify(names.map((name) => values[name]));

/**
 * What a training asks of its bench: the values to learn with; `begun` when it starts, `learned` when there is more.
 * @typedef {{ values: () => Values, begun: () => void, learned: () => void }} Hooks
 */
export function createTraining() {
  const course = createCourse(),
    settings = createSettings();
  /** @type {Hooks} */
  let hooks;
  /** @type {Place[]} */
  let losses = [];
  /** @type {LearnedPoints | null} */
  let snapshot = null;
  /** @type {string | null} the values that it was learned from */
  let learnedFrom = null;
  const draw = () => course.draw({ losses, snapshot, learning: runner.running() });
  const printed = (/** @type {Record<string, any>} */ values) =>
    fingerprint(values, Object.keys(hooks.values()).sort());

  /** @param {Record<string, any>} asked what it learns with */
  function begun(asked) {
    [losses, snapshot, learnedFrom] = [[], null, printed(asked)];
    hooks.begun();
    hooks.learned();
    course.node.hidden = false;
    draw();
  }
  const runner = createRunner("train", {
    generator: "points-training",
    request: () => ({ ...hooks.values(), ...settings.chosen }),
    word: "train.start",
    begun,
    heard: {
      loss: ({ step, losses: { loss } }) => {
        losses.push([step, loss]);
        course.drawLoss(losses);
      },
      progress: ({ done, total }) => {
        runner.status.textContent = t("train.step", { done, total });
      },
      snapshot: ({ values }) => {
        snapshot = /** @type {LearnedPoints} */ (/** @type {unknown} */ (values));
        hooks.learned();
        draw();
      },
      end: (state) => {
        if (state === "done") runner.status.textContent = t("state.done");
        draw();
      },
    },
  });
  const view = createView(settings, runner.nodes, course.node, draw);

  /**
   * What was learned, drawn with other settings than these, is not what they would give: null then, and it is said.
   * @param {Values} values
   */
  function of(values) {
    const same = printed(values) === learnedFrom;
    view.elsewhere.hidden = same || learnedFrom == null;
    return same ? snapshot : null;
  }
  /** @param {Hooks} next */
  const serve = (next) => {
    hooks = next;
  };
  /** One that was begun before a reload; `take` brings its values back. @param {((request: Record<string, any>) => unknown) | undefined} take */
  const resume = (take) =>
    runner.resume(
      take &&
        ((request) => {
          settings.take(request);
          take(request);
        }),
    );
  return { node: view.node, serve, of, resume, settings: () => ({ ...settings.chosen }), take: settings.take };
}

/**
 * The section with its words, and what says that other settings were learned with.
 * @param {ReturnType<typeof createSettings>} settings @param {HTMLElement[]} runner its nodes @param {HTMLElement} course
 * @param {() => void} draw the course again, in other words
 */
function createView(settings, runner, course, draw) {
  const title = el("h3"),
    note = el("p", { class: "help" }),
    elsewhere = el("p", { class: "help", id: "train-elsewhere", hidden: true });
  function say() {
    title.textContent = t("train.title");
    note.textContent = t("train.help");
    elsewhere.textContent = t("train.elsewhere");
    settings.say();
    draw();
  }
  on("language", say);
  say();
  const parts = [title, note, settings.node, ...runner, elsewhere, course];
  return { elsewhere, node: el("section", { class: "training" }, ...parts) };
}
