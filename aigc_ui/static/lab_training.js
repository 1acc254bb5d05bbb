// A small network learns the points of the plane: how it is started and stopped, its loss, its error by t and its bound.
import { forTraining } from "./classroom.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { followJob } from "./follow.js";
import { api, post } from "./http.js";
import { createTrainingBound } from "./lab_training_bound.js";
import { createPlot } from "./plot.js";
import { t } from "./words.js";

const USUAL = { training_steps: 2000, learning_rate: 0.002, width: 128 };

// Boxes for how it learns; `chosen` always holds what is in them, NaN for an empty one.
function createSettings() {
  const chosen = { ...USUAL },
    boxes = {},
    labels = {};
  const node = el("div", { class: "train-settings" });
  for (const name of Object.keys(USUAL)) {
    labels[name] = el("span");
    const box = el("input", {
      type: "number",
      step: "any",
      value: chosen[name],
      "data-train": name,
      oninput: () => {
        chosen[name] = box.value === "" ? NaN : +box.value;
      },
    });
    boxes[name] = box;
    node.append(el("label", { class: "control" }, labels[name], box));
  }
  // Those of a link or a file; the usual ones for those that it lacks.
  function take(given) {
    for (const name of Object.keys(USUAL))
      boxes[name].value = chosen[name] = Number.isFinite(given[name]) ? given[name] : USUAL[name];
  }
  const say = () => {
    for (const [name, label] of Object.entries(labels)) label.textContent = t(`train.field.${name}`);
  };
  return { node, chosen, take, say };
}

// The course of a training: its loss, its error by t, its bound. Hidden until there is one.
function createCourse() {
  const loss = createPlot("plot-loss"),
    byT = createPlot("plot-error"),
    bound = createTrainingBound();
  const node = el("div", { class: "plots", hidden: true }, loss.node, byT.node, ...bound.nodes);
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
  function draw({ losses, snapshot, learning }) {
    if (node.hidden) return;
    drawLoss(losses);
    byT.node.hidden = !snapshot;
    bound.draw(snapshot?.bound, learning);
    if (!snapshot) return;
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

const fingerprint = (values) => JSON.stringify(values);

export function createTraining() {
  const start = el("button", { type: "button", id: "train-start" }),
    stop = el("button", { type: "button", id: "train-stop", hidden: true });
  const status = el("output", { class: "figures", id: "train-status", role: "status" }),
    title = el("h3");
  const settings = createSettings(),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const course = createCourse(),
    note = el("p", { class: "help" }),
    elsewhere = el("p", { class: "help", id: "train-elsewhere", hidden: true });
  const node = el(
    "section",
    { class: "training" },
    title,
    note,
    settings.node,
    el("div", { class: "plane-line" }, start, stop, status),
    forTraining(start),
    message,
    elsewhere,
    course.node,
  );
  let hooks = null,
    job = null,
    learning = false,
    leave = () => {},
    losses = [],
    snapshot = null,
    learnedFrom = null;
  const turn = (running) => {
    learning = running;
    start.hidden = running;
    stop.hidden = !running;
  };
  const draw = () => course.draw({ losses, snapshot, learning });

  async function begin() {
    message.hidden = true;
    const asked = hooks.values(),
      from = fingerprint(asked);
    start.disabled = true;
    try {
      job = await post("jobs", { generator: "points-training", request: { ...asked, ...settings.chosen } });
    } catch (error) {
      return complain(error.message);
    } finally {
      start.disabled = false;
    }
    [losses, snapshot, learnedFrom] = [[], null, from];
    hooks.begun();
    hooks.learned();
    course.node.hidden = false;
    status.textContent = t("state.waiting");
    draw();
    turn(true);
    listen(job.id);
  }
  function listen(id) {
    leave();
    leave = followJob(id, {
      loss: ({ step, losses: values }) => {
        losses.push([step, values.loss]);
        course.drawLoss(losses);
      },
      progress: ({ done, total }) => {
        status.textContent = t("train.step", { done, total });
      },
      snapshot: ({ values }) => {
        snapshot = values;
        hooks.learned();
        draw();
      },
      failed: complain,
      end: (state) => end(state === "failed" ? "" : t(`state.${state}`)),
    });
  }
  function end(text) {
    turn(false);
    status.textContent = text;
    draw();
  }
  function complain(text) {
    message.textContent = text;
    message.hidden = false;
  }
  start.addEventListener("click", begin);
  stop.addEventListener("click", () => {
    status.textContent = t("state.stopping");
    api(`jobs/${job.id}`, { method: "DELETE" }).catch((error) => complain(error.message));
  });

  function say() {
    title.textContent = t("train.title");
    note.textContent = t("train.help");
    start.textContent = t("train.start");
    stop.textContent = t("stop");
    elsewhere.textContent = t("train.elsewhere");
    settings.say();
    draw();
  }
  on("language", say);
  say();

  // What was learned, drawn with other settings than these, is not what they would give: null then, and it is said.
  function of(values) {
    const same = fingerprint(values) === learnedFrom;
    elsewhere.hidden = same || learnedFrom == null;
    return same ? snapshot : null;
  }
  return {
    node,
    on: (next) => {
      hooks = next;
    },
    of,
    settings: () => ({ ...settings.chosen }),
    take: settings.take,
  };
}
