// The race: every family draws the same classes from base noise of the same seed, side by side, each with its own clock.
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

/**
 * @typedef {import("./engine.d.ts").FamilyRequest} Values
 * @typedef {import("./types.d.ts").Raced} Raced
 * @typedef {{ rows: Record<string, Raced>, over: boolean }} Standing of the race
 * @typedef {Record<string, Record<string, import("./types.d.ts").Figure>>} Scores of one set of data, by family
 */

const FIGURES = ["frechet", "frechet_pixels", "precision", "recall", "accuracy", "bits"];
const PAUSE = 90,
  WIDE = 640;

/** @param {HTMLElement} root */
export function mountFamilyRace(root) {
  const rows = createRows(),
    scores = createScores((text) => runner.complain(text));
  const runner = createRunner("race", {
    generator: "family-race",
    request: () => bench.values(),
    word: "race.start",
    begun: forget,
    heard: {
      snapshot: (/** @type {import("./engine.d.ts").Snapshot} */ { values }) => take(/** @type {Standing} */ (values)),
      progress: () => {
        runner.status.textContent = t("race.loading");
      },
    },
  });
  const { play, range, pace } = createPlayer(
    { play: "race-play", range: "race-step" },
    { show: go, pause: () => PAUSE },
  );
  const films = createSheetFilms("race", () => filmOf(rows, +range.max), pace),
    again = el("div", { class: "plane-line", hidden: true }, play, range, films);
  const note = el("p", { class: "help" });
  const stage = el("div", { class: "bench-main" }, note, ...runner.nodes, rows.node, again, ...scores.nodes);
  /** @type {string | null} */
  let shownData = null;

  const bench = createBench(root, {
    id: "bench-race",
    experiment: "family-race",
    stage,
    controls: ["data", "label", "seed", "num_inference_steps", "guidance_scale", "temperature"],
    request: async (/** @type {Values} */ _values) => ({}),
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts, t("family.each"));
      if (values.data === shownData) return;
      shownData = values.data;
      forget();
      scores.show(shownData);
    },
    ready: (given) => runner.resume(bench.restored(given)),
  });

  function forget() {
    rows.forget();
    again.hidden = true;
  }

  const take = newest(async (/** @type {Standing} */ { rows: raced, over }) => {
    await rows.take(raced);
    runner.status.textContent = over ? outcome(raced) : t("race.running");
    again.hidden = !over;
    if (!over) return;
    range.max = String(rows.most() - 1);
    range.value = range.max;
  });
  /** @param {number} place */
  function go(place) {
    range.value = String(place);
    rows.paint(place / Math.max(1, +range.max));
  }
  function say() {
    note.textContent = t("race.help");
    scores.say(shownData);
    rows.say();
  }
  on("language", say);
  forget();
  say();
}

/** Who was first and last, and how far apart. @param {Record<string, Raced>} raced */
function outcome(raced) {
  const order = Object.entries(raced)
    .filter(([, family]) => family.done)
    .sort(([, a], [, b]) => a.seconds - b.seconds);
  const [first, quickest] = order[0],
    [last, slowest] = order[order.length - 1];
  return t("race.over", {
    first: t(`family.${first}`),
    last: t(`family.${last}`),
    times: figure(slowest.seconds / quickest.seconds),
  });
}

/** Each family's strip: the newest while it runs, all kept ones at the end. */
function createRows() {
  const rows = FAMILIES.map((name) => ({
    name,
    view: createFamilyView(`race-${name}`, name),
    /** @type {ImageBitmap[]} */
    frames: [],
    /** @type {Raced | null} */
    raced: null,
  }));
  const present = () => rows.filter(({ frames }) => frames.length);
  /** @param {ImageBitmap[]} frames @param {number} share of its own way */
  const at = (frames, share) => frames[Math.round(share * (frames.length - 1))];
  return {
    node: el("div", { class: "families" }, ...rows.map(({ view }) => view.node)),
    most: () => Math.max(...rows.map(({ frames }) => frames.length)),
    forget: () => {
      for (const row of rows) {
        Object.assign(row, { frames: [], raced: null });
        row.view.node.hidden = true;
        row.view.tell("");
      }
    },
    /** @param {Record<string, Raced>} raced */
    take: (raced) =>
      Promise.all(
        rows.map(async (row) => {
          const mine = raced[row.name];
          if (!mine?.x.length) return;
          const frames = await Promise.all(mine.x.map(decode));
          Object.assign(row, { frames, raced: mine });
          row.view.node.hidden = false;
          row.view.paintRow(frames[frames.length - 1]);
          row.view.tell(lineOf(mine));
          row.view.node.classList.toggle("finished", mine.done);
        }),
      ),
    /** Every family at the same share of its own way. @param {number} share */
    paint: (share) => {
      for (const { frames, view } of present()) view.paintRow(at(frames, share));
    },
    /** @param {number} share @returns {import("./types.d.ts").Tile[]} */
    tiles: (share) => present().map(({ name, frames }) => ({ picture: at(frames, share), name: t(`family.${name}`) })),
    say: () => {
      for (const { raced, view } of rows) if (raced) view.tell(lineOf(raced));
    },
  };
}
/** @param {Raced} raced */
const lineOf = ({ seconds: time, evaluations, done }) =>
  t(done ? "race.line.done" : "race.line", { time: seconds(time), calls: evaluations });

/** @param {ReturnType<typeof createRows>} rows @param {number} last */
function* filmOf(rows, last) {
  for (let place = 0; place <= last; place++) {
    const tiles = rows.tiles(place / Math.max(1, last));
    yield drawSheet({ title: t("tab.family-race"), columns: 1, wide: WIDE, crisp: true, tiles });
  }
}

/** What was measured of the shipped models, below the race. @param {(text: string) => void} complain */
function createScores(complain) {
  const table = el("div", { class: "wide-table", role: "region", tabindex: 0 }),
    note = el("p", { class: "help" }),
    title = el("h3");
  /** @param {string} data */
  async function show(data) {
    try {
      const { scores } = await familyScores();
      table.replaceChildren(scoreTable(scores[data] ?? {}));
    } catch (error) {
      complain(/** @type {Error} */ (error).message);
    }
  }
  return {
    nodes: [title, table, note],
    show,
    /** @param {string | null} data */
    say: (data) => {
      title.textContent = t("score.title");
      table.setAttribute("aria-label", title.textContent);
      note.textContent = t("score.help");
      if (data) show(data);
    },
  };
}

/** Each family a row beside the data itself: what was measured of its shipped model, with its spread. @param {Scores} mine */
function scoreTable(mine) {
  const known = FAMILIES.filter((name) => mine[name]);
  const heads = [...FIGURES, "milliseconds", "evaluations", "parameters"].map((what) =>
    el("th", { title: t(`score.${what}.help`) }, t(`score.${what}`)),
  );
  return el(
    "table",
    { class: "plain", id: "race-scores" },
    el("tr", {}, el("td"), ...heads),
    ...["data", ...known].map((name) => scoreRow(name, mine[name] ?? {})),
  );
}
/** @param {string} name @param {Scores[string]} scores */
function scoreRow(name, scores) {
  const time = typeof scores.milliseconds === "number" ? seconds(scores.milliseconds / 1000) : "–";
  return el(
    "tr",
    {},
    el("th", {}, t(`family.${name}`)),
    ...FIGURES.map((what) => el("td", {}, ...cell(scores[what]))),
    el("td", {}, name === "data" ? "–" : time),
    el("td", {}, ...cell(scores.evaluations)),
    el("td", {}, ...cell(scores.parameters)),
  );
}
/** @param {import("./types.d.ts").Figure | undefined} value */
const cell = (value) =>
  value == null
    ? ["–"]
    : Array.isArray(value)
      ? [figure(value[0]), el("small", {}, ` ± ${+value[1].toPrecision(2)}`)]
      : [value.toLocaleString("en")];
