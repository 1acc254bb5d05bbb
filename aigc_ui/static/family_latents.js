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

const PLACES = 24,
  PAUSE = 180,
  WIDE = 160;

export function mountFamilyLatents(root) {
  const views = Object.fromEntries(FAMILIES.map((name) => [name, createFamilyView(`latents-${name}`, name)]));
  const manifold = createManifold();
  const dot = el("i", { class: "dot" }),
    corners = ["0", "1", "2", "3"].map((which) => el("span", { class: `corner corner-${which}` }));
  const pad = el("div", { class: "pad", id: "latents-pad", tabindex: 0, role: "application" }, ...corners, dot);
  const where = el("output", { class: "figures", id: "latents-where" }),
    note = el("p", { class: "help" });
  const { play, range, pace } = createPlayer(
    { play: "latents-play", range: "latents-step" },
    { show: (place) => bench.set(walk(place)), pause: () => PAUSE },
  );
  range.max = PLACES - 1;
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    el(
      "div",
      { class: "pad-row" },
      el("div", { class: "pad-side" }, pad, where),
      el("div", { class: "family-grid" }, ...FAMILIES.map((name) => views[name].node)),
    ),
    el("div", { class: "plane-line" }, play, range, createSheetFilms("latents", film, pace)),
    manifold.node,
  );
  let data = null;

  const bench = createBench(root, {
    id: "bench-latents",
    experiment: "latents",
    stage,
    controls: ["data", "label", "seed", "interpolation", "temperature", "num_inference_steps", "guidance_scale"],
    request: async (values) => {
      await familyScores();
      FAMILIES.filter(known).forEach((name) => ask[name]({ ...values, family: name }));
      return values;
    },
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts);
      manifold.node.hidden = values.data !== "digits";
      if (!manifold.node.hidden) manifold.show(values.label);
      if (values.data !== data) {
        data = values.data;
        FAMILIES.forEach((name) => {
          views[name].node.hidden = !known(name);
        });
      }
      Object.assign(dot.style, { left: `${values.across * 100}%`, top: `${values.down * 100}%` });
      corners.forEach((corner, i) => {
        corner.textContent = values.seed + i;
      });
      where.textContent = t("latents.where", { across: values.across.toFixed(2), down: values.down.toFixed(2) });
    },
  });
  const known = (name) => !shipped || (shipped[data] ?? []).includes(name);
  let shipped = null;
  familyScores()
    .then(({ shipped: all }) => {
      shipped = all;
      FAMILIES.forEach((name) => {
        views[name].node.hidden = !known(name);
      });
    })
    .catch(() => {});

  const ask = Object.fromEntries(
    FAMILIES.map((name) => [
      name,
      newest(async (asked) => {
        try {
          const { picture, length, seconds: time } = await post("lab/latents", asked);
          views[name].paint(await decode(picture[0]));
          views[name].tell(t("latents.told", { time: seconds(time), length }));
        } catch (error) {
          views[name].tell(error.message);
        }
      }),
    ]),
  );

  steer(
    pad,
    () => bench.values(),
    (next) => bench.set(next),
  );
  // From corner to corner.
  function walk(place) {
    range.value = place;
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
  async function* film() {
    const names = FAMILIES.filter(known),
      values = bench.values();
    for (let place = 0; place < PLACES; place++) {
      const pictures = [];
      for (const name of names)
        pictures.push(
          await decode((await post("lab/latents", { ...values, ...walk(place), family: name })).picture[0]),
        );
      yield drawSheet({
        title: t("tab.latents"),
        columns: 3,
        wide: WIDE,
        crisp: true,
        tiles: names.map((name, i) => ({ picture: pictures[i], name: t(`family.${name}`) })),
      });
    }
  }
  function say() {
    note.textContent = t("latents.help");
    pad.setAttribute("aria-label", t("latents.pad"));
  }
  on("language", say);
  say();
}

// The hand and the arrow keys on the square: `at()` is the present place, `go({across, down})` another one, in shares.
function steer(pad, at, go) {
  const within = (value) => Math.min(1, Math.max(0, value));
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
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way) return;
    event.preventDefault();
    const { across, down } = at();
    go({ across: within(across + way[0] / 20), down: within(down + way[1] / 20) });
  });
}
