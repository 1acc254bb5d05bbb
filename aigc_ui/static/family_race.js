// The race: every family draws the same classes from the same base noise, side by side, each with its own clock.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { FAMILIES, createFamilyView, familyScores, nameClass, seconds } from "./family.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { createRunner } from "./follow.js";
import { createBench } from "./lab.js";
import { createPlayer } from "./player.js";
import { figure } from "./plot_axes.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

const FIGURES = ["frechet", "frechet_pixels", "precision", "recall", "accuracy", "bits"];
const PAUSE = 90,
  WIDE = 640;

export function mountFamilyRace(root) {
  const rows = Object.fromEntries(FAMILIES.map((name) => [name, row(name)]));
  const runner = createRunner("race", {
    generator: "family-race",
    request: () => bench.values(),
    word: "race.start",
    begun: forget,
    heard: {
      snapshot: ({ values }) => take(values),
      progress: () => {
        runner.status.textContent = t("race.loading");
      },
    },
  });
  const { play, range, pace } = createPlayer(
    { play: "race-play", range: "race-step" },
    { show: go, pause: () => PAUSE },
  );
  const films = createSheetFilms("race", film, pace),
    again = el("div", { class: "plane-line", hidden: true }, play, range, films);
  const note = el("p", { class: "help" }),
    scored = el("div", { class: "wide-table" }),
    scoredNote = el("p", { class: "help" }),
    title = el("h3");
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    ...runner.nodes,
    el("div", { class: "families" }, ...FAMILIES.map((name) => rows[name].view.node)),
    again,
    title,
    scored,
    scoredNote,
  );
  let scores = null;

  const bench = createBench(root, {
    id: "bench-race",
    experiment: "family-race",
    stage,
    controls: ["data", "label", "seed", "num_inference_steps", "guidance_scale", "temperature"],
    request: async () => ({}),
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts, t("family.each"));
      if (values.data !== shownData) {
        shownData = values.data;
        forget();
        score();
      }
    },
  });
  let shownData = null;

  // Its newest strip while it runs, all kept ones at the end.
  function row(name) {
    return { view: createFamilyView(`race-${name}`, name), frames: [], told: null };
  }
  function forget() {
    for (const name of FAMILIES) {
      Object.assign(rows[name], { frames: [], told: null });
      rows[name].view.node.hidden = true;
      rows[name].view.tell("");
    }
    again.hidden = true;
  }
  const take = newest(async ({ rows: told, over }) => {
    await Promise.all(
      Object.entries(told).map(async ([name, family]) => {
        const mine = rows[name];
        if (!family.x.length) return;
        const frames = await Promise.all(family.x.map(decode));
        Object.assign(mine, { frames, told: family });
        mine.view.node.hidden = false;
        mine.view.paint(frames.at(-1));
        mine.view.tell(line(family));
        mine.view.node.classList.toggle("finished", family.done);
      }),
    );
    const order = Object.entries(told)
      .filter(([, family]) => family.done)
      .sort((a, b) => a[1].seconds - b[1].seconds);
    runner.status.textContent = over
      ? t("race.over", {
          first: t(`family.${order[0][0]}`),
          last: t(`family.${order.at(-1)[0]}`),
          times: figure(order.at(-1)[1].seconds / order[0][1].seconds),
        })
      : t("race.running");
    again.hidden = !over;
    if (!over) return;
    range.max = Math.max(...FAMILIES.map((name) => rows[name].frames.length)) - 1;
    range.value = range.max;
  });
  const line = ({ seconds: time, evaluations, done }) =>
    t(done ? "race.line.done" : "race.line", { time: seconds(time), calls: evaluations });

  // Every family at the same share of its own way.
  function go(place) {
    range.value = place;
    for (const mine of Object.values(rows)) if (mine.frames.length) mine.view.paint(at(mine, place));
  }
  const at = ({ frames }, place) => frames[Math.round((place / Math.max(1, +range.max)) * (frames.length - 1))];
  function* film() {
    for (let place = 0; place <= +range.max; place++) {
      const present = FAMILIES.filter((name) => rows[name].frames.length);
      yield drawSheet({
        title: t("tab.family-race"),
        columns: 1,
        wide: WIDE,
        crisp: true,
        tiles: present.map((name) => ({ picture: at(rows[name], place), name: t(`family.${name}`) })),
      });
    }
  }

  async function score() {
    try {
      scores ??= await familyScores();
    } catch (error) {
      return runner.complain(error.message);
    }
    scored.replaceChildren(scoreTable(scores.scores[shownData] ?? {}));
  }
  function say() {
    note.textContent = t("race.help");
    title.textContent = t("score.title");
    scoredNote.textContent = t("score.help");
    if (shownData) score();
    for (const mine of Object.values(rows)) if (mine.told) mine.view.tell(line(mine.told));
  }
  on("language", say);
  forget();
  say();
}

// Each family a row beside the data itself: what was measured of its shipped model, with its spread.
function scoreTable(mine) {
  const known = FAMILIES.filter((name) => mine[name]);
  const cell = (value) =>
    value == null
      ? "–"
      : Array.isArray(value)
        ? [figure(value[0]), el("small", {}, ` ± ${+value[1].toPrecision(2)}`)]
        : value.toLocaleString("en");
  const made = ["data", ...known].map((name) =>
    el(
      "tr",
      {},
      el("th", {}, t(`family.${name}`)),
      ...FIGURES.map((what) => el("td", {}, ...[cell(mine[name]?.[what])].flat())),
      el("td", {}, name === "data" ? "–" : seconds(mine[name].milliseconds / 1000)),
      el("td", {}, cell(mine[name]?.evaluations)),
      el("td", {}, cell(mine[name]?.parameters)),
    ),
  );
  return el(
    "table",
    { class: "plain", id: "race-scores" },
    el(
      "tr",
      {},
      el("th"),
      ...[...FIGURES, "milliseconds", "evaluations", "parameters"].map((what) =>
        el("th", { title: t(`score.${what}.help`) }, t(`score.${what}`)),
      ),
    ),
    ...made,
  );
}
