// What an autoencoder of one's own makes of a picture: there and back, the way to another picture, and its bare prior.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { createFamilyView, seconds } from "./family.js";
import { post } from "./http.js";
import { createPictureChooser } from "./lab_picture.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

// Each view is asked for again when one of these has changed.
const NEEDS = {
  "there-and-back": ["model", "image", "size"],
  between: ["model", "image", "other", "size", "share", "interpolation"],
  prior: ["model", "size", "samples", "seed", "temperature"],
};

// `set({image, other})` brings a kept picture into the bench's values; `ask(values, model)` fills what has changed.
export function createOwnPicture(set) {
  const views = Object.fromEntries(
    ["source", "again", "codes", "between", "faded"].map((name) => [name, createFamilyView(`own-${name}`, name)]),
  );
  const prior = createFamilyView("own-prior", "prior"),
    alas = el("p", { class: "help", id: "own-prior-note" });
  const titles = Object.fromEntries(["trip", "between", "prior"].map((name) => [name, el("h3")]));
  const grid = (...names) => el("div", { class: "family-grid two" }, ...names.map((name) => views[name].node));
  const way = el(
    "section",
    { class: "own-part" },
    titles.between,
    createPictureChooser((id) => set({ other: id })),
    grid("between", "faded"),
  );
  const bare = el(
    "section",
    { class: "own-part" },
    titles.prior,
    alas,
    el("div", { class: "family-grid two" }, prior.node),
  );
  const node = el(
    "div",
    { class: "own-part", hidden: true },
    el(
      "section",
      { class: "own-part" },
      titles.trip,
      createPictureChooser((id) => set({ image: id })),
      grid("source", "again", "codes"),
    ),
    way,
    bare,
  );
  const asked = {},
    told = {};

  async function ask(values, { kind }) {
    way.hidden = bare.hidden = kind === "vq";
    views.codes.node.hidden = kind !== "vq";
    for (const view of kind === "vq" ? ["there-and-back"] : Object.keys(NEEDS)) {
      const state = JSON.stringify(NEEDS[view].map((name) => values[name]));
      if (asked[view] === state) continue;
      told[view] = await post("lab/own-picture", { ...values, view });
      asked[view] = state;
      await show(told[view]);
    }
    say();
  }
  async function show(answer) {
    for (const [name, view] of Object.entries(views)) if (answer[name]) view.paint(await decode(answer[name][0]));
    if (answer.prior) prior.paint(await strip(answer.prior));
  }
  // Several pictures as one, in rows as square as they go.
  async function strip(sources) {
    const bitmaps = await Promise.all(sources.map(decode)),
      columns = Math.ceil(Math.sqrt(bitmaps.length)),
      { width, height } = bitmaps[0];
    const sheet = el("canvas", { width: columns * width, height: Math.ceil(bitmaps.length / columns) * height }),
      pen = sheet.getContext("2d");
    bitmaps.forEach((bitmap, i) => pen.drawImage(bitmap, (i % columns) * width, Math.floor(i / columns) * height));
    return sheet;
  }
  function say() {
    for (const [name, title] of Object.entries(titles)) title.textContent = t(`family.own.${name}`);
    const trip = told["there-and-back"];
    alas.textContent =
      t("own.prior.help") + (trip?.deviation ? ` ${t("own.deviation", { deviation: figure(trip.deviation) })}` : "");
    if (trip)
      views.again.tell(
        t("trip.told", { error: figure(trip.error), numbers: trip.numbers, of: trip.of, time: seconds(trip.seconds) }),
      );
    if (trip?.known) views.codes.tell(t("own.codes", { used: trip.used, known: trip.known }));
  }
  on("language", say);
  say();
  return { node, ask };
}
