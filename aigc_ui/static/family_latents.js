// The space of base noise under the hand: a square between four seeds, and what every family makes of the place touched.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { FAMILIES, createFamilyView, familyScores, nameClass, seconds } from "./family.js";
import { createManifold } from "./family_manifold.js";
import { createSheetFilms, drawSheet } from "./film.js";
import { post } from "./http.js";
import { createBench } from "./lab.js";
import { createPlayer } from "./player.js";
import { newest } from "./turns.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").LatentsRequest} Values
 * @typedef {{ across: number, down: number }} Spot on the square, in shares from its upper left corner
 */

const PLACES = 24,
  PAUSE = 180,
  WIDE = 160;

/** @param {HTMLElement} root */
export function mountFamilyLatents(root) {
  const grid = createGrid(),
    manifold = createManifold();
  const pad = createPad(
    () => bench.values(),
    (next) => bench.set(next),
  );
  const note = el("p", { class: "help" });
  const { play, range, pace } = createPlayer(
    { play: "latents-play", range: "latents-step" },
    {
      show: (place) => {
        range.value = String(place);
        bench.set(walk(place));
      },
      pause: () => PAUSE,
    },
  );
  range.max = String(PLACES - 1);
  const films = createSheetFilms("latents", () => filmOf(bench.values(), grid.present()), pace);
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    el("div", { class: "pad-row" }, pad.node, grid.node),
    el("div", { class: "plane-line" }, play, range, films),
    manifold.node,
  );

  const bench = createBench(root, {
    id: "bench-latents",
    experiment: "latents",
    stage,
    controls: ["data", "label", "seed", "interpolation", "temperature", "num_inference_steps", "guidance_scale"],
    request: async (/** @type {Values} */ values) => {
      await familyScores();
      grid.ask(values);
      return values;
    },
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts);
      manifold.node.hidden = values.data !== "digits";
      if (!manifold.node.hidden) manifold.show(values.label);
      grid.fit(values.data);
      pad.show(values);
    },
  });

  function say() {
    note.textContent = t("latents.help");
    pad.say();
  }
  on("language", say);
  say();
}

/** A picture of each family; only of those that were trained on the data at hand. */
function createGrid() {
  const views = FAMILIES.map((name) => createAsking(name));
  /** @type {Record<string, string[]> | null} families by data, null while that is not known */
  let shipped = null;
  let data = "";
  const present = () => FAMILIES.filter((name) => !shipped || (shipped[data] ?? []).includes(name));
  function hide() {
    const known = present();
    for (const { name, view } of views) view.node.hidden = !known.includes(name);
  }
  familyScores()
    .then((scores) => {
      shipped = scores.shipped;
      hide();
    })
    .catch(() => {});
  return {
    node: el("div", { class: "family-grid" }, ...views.map(({ view }) => view.node)),
    present,
    /** @param {Values} values */
    ask: (values) => {
      const known = present();
      for (const { name, ask } of views) if (known.includes(name)) ask({ ...values, family: name });
    },
    /** @param {string} next */
    fit: (next) => {
      if (next === data) return;
      data = next;
      hide();
    },
  };
}
/** One family's picture, asked for one at a time. @param {string} name */
function createAsking(name) {
  const view = createFamilyView(`latents-${name}`, name);
  const ask = newest(async (/** @type {Values} */ asked) => {
    try {
      /** @type {import("./types.d.ts").LatentsAnswer} */
      const { picture, length, seconds: time } = await post("lab/latents", asked);
      view.paint(await decode(picture[0]));
      view.tell(t("latents.told", { time: seconds(time), length }));
    } catch (error) {
      view.tell(/** @type {Error} */ (error).message);
    }
  });
  return { name, view, ask };
}

/** From corner to corner. @param {number} place @returns {Spot} */
function walk(place) {
  const turn = (place / PLACES) * 4,
    side = Math.floor(turn),
    share = turn - side;
  const [across, down] = [
    [share, 0],
    [1, share],
    [1 - share, 1],
    [0, 1 - share],
  ][side];
  return { across, down };
}
/** @param {Values} values @param {string[]} names */
async function* filmOf(values, names) {
  for (let place = 0; place < PLACES; place++) {
    const tiles = [];
    for (const name of names) {
      /** @type {import("./types.d.ts").LatentsAnswer} */
      const answer = await post("lab/latents", { ...values, ...walk(place), family: name });
      tiles.push({ name: t(`family.${name}`), picture: await decode(answer.picture[0]) });
    }
    yield drawSheet({ title: t("tab.latents"), columns: 3, wide: WIDE, crisp: true, tiles });
  }
}

/**
 * The square with its four corners: `at()` is the present place, `go` leads to another one.
 * @param {() => Spot} at @param {(next: Spot) => void} go
 */
function createPad(at, go) {
  const dot = el("i", { class: "dot" }),
    corners = ["0", "1", "2", "3"].map((which) => el("span", { class: `corner corner-${which}` }));
  const pad = el("div", { class: "pad", id: "latents-pad", tabindex: 0, role: "application" }, ...corners, dot);
  const where = el("output", { class: "figures", id: "latents-where" });
  steer(pad, at, go);
  return {
    node: el("div", { class: "pad-side" }, pad, where),
    /** @param {Values} values */
    show: ({ across, down, seed }) => {
      Object.assign(dot.style, { left: `${across * 100}%`, top: `${down * 100}%` });
      corners.forEach((corner, i) => {
        corner.textContent = String(seed + i);
      });
      where.textContent = t("latents.where", { across: across.toFixed(2), down: down.toFixed(2) });
    },
    say: () => pad.setAttribute("aria-label", t("latents.pad")),
  };
}

/** @type {Record<string, [number, number]>} */
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** @param {number} value */
const within = (value) => Math.min(1, Math.max(0, value));
/** The hand and the arrow keys on the square. @param {HTMLElement} pad @param {() => Spot} at @param {(next: Spot) => void} go */
function steer(pad, at, go) {
  /** @param {PointerEvent} event */
  function touched(event) {
    const box = pad.getBoundingClientRect();
    go({
      across: within((event.clientX - box.left) / box.width),
      down: within((event.clientY - box.top) / box.height),
    });
  }
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    touched(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) touched(event);
  });
  pad.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const { across, down } = at();
    go({ across: within(across + way[0] / 20), down: within(down + way[1] / 20) });
  });
}
