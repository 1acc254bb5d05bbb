// What an autoencoder of one's own makes of a picture: there and back, the way to another picture, and its bare prior.
import { context, decode, el } from "./dom.js";
import { on } from "./events.js";
import { createFamilyView, seconds } from "./family.js";
import { post } from "./http.js";
import { createPictureChooser } from "./lab_picture.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").OwnRequest} Values
 * @typedef {import("./types.d.ts").OwnPictureAnswer} Answer
 * @typedef {Values["view"]} View
 */

const TRIP = "there-and-back";
/** Each view is asked for again when one of these has changed. @type {[View, (keyof Values)[]][]} */
const NEEDS = [
  [TRIP, ["model", "image", "size"]],
  ["between", ["model", "image", "other", "size", "share", "interpolation"]],
  ["prior", ["model", "size", "samples", "seed", "temperature"]],
];
/** @type {("source" | "again" | "codes" | "between" | "faded")[]} */
const SHOWN = ["source", "again", "codes", "between", "faded"];

/**
 * `set` brings a kept picture into the bench's values; `ask(values, model)` fills what has changed.
 * @param {(next: Partial<Values>) => unknown} set
 */
export function createOwnPicture(set) {
  const views = SHOWN.map((name) => ({ name, ...createFamilyView(`own-${name}`, name) })),
    [source, again, codes, between, faded] = views,
    prior = createFamilyView("own-prior", "prior"),
    note = el("p", { class: "help", id: "own-prior-note" });
  const [trip, way, bare] = [
    createPart(
      "trip",
      [source, again, codes],
      createPictureChooser((id) => set({ image: id })),
    ),
    createPart(
      "between",
      [between, faded],
      createPictureChooser((id) => set({ other: id })),
    ),
    createPart("prior", [prior], note),
  ];
  const node = el("div", { class: "own-part", hidden: true }, trip.node, way.node, bare.node);
  /** @type {Partial<Record<View, string>>} what each view was asked with */
  const asked = {};
  /** @type {Answer | null} there and back */
  let returned = null;

  /** @param {Values} values @param {import("./types.d.ts").OwnModel} model */
  async function ask(values, { kind }) {
    way.node.hidden = bare.node.hidden = kind === "vq";
    codes.node.hidden = kind !== "vq";
    for (const [view, needs] of kind === "vq" ? NEEDS.slice(0, 1) : NEEDS) {
      const state = JSON.stringify(needs.map((name) => values[name]));
      if (asked[view] === state) continue;
      /** @type {Answer} */
      const answer = await post("lab/own-picture", { ...values, view });
      asked[view] = state;
      if (view === TRIP) returned = answer;
      await show(answer);
    }
    say();
  }
  /** @param {Answer} answer */
  async function show(answer) {
    for (const { name, paint } of views) {
      const [picture] = answer[name] ?? [];
      if (picture) paint(await decode(picture));
    }
    if (answer.prior) prior.paint(await sheetOf(answer.prior));
  }
  function say() {
    for (const part of [trip, way, bare]) part.say();
    const deviation = returned?.deviation ? ` ${t("own.deviation", { deviation: figure(returned.deviation) })}` : "";
    note.textContent = t("own.prior.help") + deviation;
    if (!returned) return;
    const { error, numbers, of, used, known } = returned;
    again.tell(t("trip.told", { error: figure(error), numbers, of, time: seconds(returned.seconds) }));
    if (known) codes.tell(t("own.codes", { used, known }));
  }
  on("language", say);
  say();
  return { node, ask };
}

/** A section with its title. @param {string} name @param {{ node: HTMLElement }[]} views @param {HTMLElement} above them */
function createPart(name, views, above) {
  const title = el("h3"),
    grid = el("div", { class: "family-grid two" }, ...views.map(({ node }) => node));
  return {
    node: el("section", { class: "own-part" }, title, above, grid),
    say: () => {
      title.textContent = t(`family.own.${name}`);
    },
  };
}

/** Several pictures as one, in rows as square as they go. @param {string[]} sources */
async function sheetOf(sources) {
  const bitmaps = await Promise.all(sources.map(decode)),
    columns = Math.ceil(Math.sqrt(bitmaps.length)),
    { width, height } = bitmaps[0];
  const sheet = el("canvas", { width: columns * width, height: Math.ceil(bitmaps.length / columns) * height }),
    pen = context(sheet);
  bitmaps.forEach((bitmap, i) => {
    pen.drawImage(bitmap, (i % columns) * width, Math.floor(i / columns) * height);
  });
  return sheet;
}
