// One's own picture into base noise and back, by every family: what each can hold of it.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { FAMILIES, createFamilyView, familyScores, nameClass, seconds } from "./family.js";
import { post } from "./http.js";
import { createBench } from "./lab.js";
import { createPictureChooser } from "./lab_picture.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.d.ts").RoundTripRequest} Values
 * @typedef {import("./types.d.ts").RoundTripAnswer} Answer
 */

const ORDER = ["vae", "flow", "vq", "flow-matching", "diffusion", "gan"]; // the quick ones first

/** @param {HTMLElement} root */
export function mountFamilyRoundTrip(root) {
  const views = Object.fromEntries(
    ["source", ...FAMILIES].map((name) => [name, createFamilyView(`trip-${name}`, name)]),
  );
  const note = el("p", { class: "help" });
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    createPictureChooser(chosen),
    el("div", { class: "family-grid four" }, ...["source", ...FAMILIES].map((name) => views[name].node)),
  );
  /** @type {Record<string, Answer | null>} null while it is on its way */
  const answers = {};
  let turn = 0;

  const bench = createBench(root, {
    id: "bench-round-trip",
    experiment: "round-trip",
    stage,
    controls: ["data", "index", "label"],
    request: async (/** @type {Values} */ values) => {
      await trip(values);
      return values;
    },
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts, values.image ? "" : t("family.own"));
      if (parts.index) parts.index.node.hidden = Boolean(values.image);
    },
  });

  /** @param {string} image @returns {unknown} */
  function chosen(image) {
    return bench.set({ image });
  }
  /** One family after another; a newer picture leaves the rest of an older one's round out. @param {Values} values */
  async function trip(values) {
    const mine = ++turn;
    const { shipped } = await familyScores(),
      here = shipped[values.data] ?? [],
      known = ORDER.filter((name) => here.includes(name));
    FAMILIES.forEach((name) => {
      views[name].node.hidden = !known.includes(name);
      if (known.includes(name)) tell(name, null);
    });
    for (const name of known) {
      if (mine !== turn) return;
      /** @type {Answer} */
      const answer = await post("lab/round-trip", { ...values, family: name });
      views.source.paint(await decode(answer.source[0]));
      views[name].paint(await decode(answer.again[0]));
      tell(name, answer);
    }
  }
  /** @param {string} name @param {Answer | null} answer */
  function tell(name, answer) {
    answers[name] = answer;
    views[name].tell(answer ? line(answer) : t("trip.under_way"));
  }
  function say() {
    note.textContent = t("trip.help");
    for (const [name, answer] of Object.entries(answers)) tell(name, answer);
  }
  on("language", say);
  say();
}

/** What is lost on the way, and how usual the base noise is. @param {Answer} answer */
const line = ({ error, error_in_double: exact, z_length: length, numbers, of, seconds: time }) =>
  t(exact == null ? "trip.told" : "trip.told.double", {
    error: figure(error),
    exact: figure(exact),
    length: figure(length),
    numbers,
    of,
    time: seconds(time),
  });
