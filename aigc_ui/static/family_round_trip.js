// One's own picture into base noise and back, by every family: what each can hold of it.
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { FAMILIES, createFamilyView, familyScores, nameClass, seconds } from "./family.js";
import { post } from "./http.js";
import { createBench } from "./lab.js";
import { createPictureChooser } from "./lab_picture.js";
import { figure } from "./plot_axes.js";
import { t } from "./words.js";

export function mountFamilyRoundTrip(root) {
  const views = Object.fromEntries(
    ["source", ...FAMILIES].map((name) => [name, createFamilyView(`trip-${name}`, name)]),
  );
  const note = el("p", { class: "help" });
  const stage = el(
    "div",
    { class: "bench-main" },
    note,
    createPictureChooser((id) => bench.set({ image: id })),
    el("div", { class: "family-grid four" }, ...["source", ...FAMILIES].map((name) => views[name].node)),
  );
  const answers = {};
  let shipped = null,
    turn = 0;

  const bench = createBench(root, {
    id: "bench-round-trip",
    experiment: "round-trip",
    stage,
    controls: ["data", "index", "label"],
    request: async (values) => {
      await trip(values);
      return values;
    },
    show: () => {},
    shown: (values, parts) => {
      nameClass(values, parts, values.image ? "" : t("family.own"));
      if (parts.index) parts.index.node.hidden = Boolean(values.image);
    },
  });

  // One family after another, the quick ones first; a newer picture leaves the rest of an older one's round out.
  const ORDER = ["vae", "flow", "vq", "flow-matching", "diffusion", "gan"];
  async function trip(values) {
    const mine = ++turn;
    shipped ??= (await familyScores()).shipped;
    const known = ORDER.filter((name) => (shipped[values.data] ?? []).includes(name));
    FAMILIES.forEach((name) => {
      views[name].node.hidden = !known.includes(name);
      if (known.includes(name)) views[name].tell(t("trip.under_way"));
    });
    for (const name of known) {
      if (mine !== turn) return;
      const answer = await post("lab/round-trip", { ...values, family: name });
      answers[name] = answer;
      views.source.paint(await decode(answer.source[0]));
      views[name].paint(await decode(answer.again[0]));
      views[name].tell(line(answer));
    }
  }
  const line = ({ error, numbers, of, seconds: time }) =>
    t("trip.told", { error: figure(error), numbers, of, time: seconds(time) });
  function say() {
    note.textContent = t("trip.help");
    for (const [name, answer] of Object.entries(answers)) views[name].tell(line(answer));
  }
  on("language", say);
  say();
}
