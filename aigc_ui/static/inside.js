// One step of a picture taken apart: what the network answers there with and without the prompt, what guidance makes
// of it, the noise, and which words look where.
import { createDialog } from "./dialog.js";
import { decode, el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
import { t } from "./words.js";

/**
 * @typedef {"x" | "guess" | "with_prompt" | "without_prompt" | "pull" | "noise"} Part
 * @typedef {{ word: string, share: number }} Word
 * @typedef {{ sigma: number, scale: number, words: Word[], maps?: string[] } & Partial<Record<Part, string[]>>} Values
 */

/** @type {Part[]} */
const PARTS = ["x", "noise", "guess", "with_prompt", "without_prompt", "pull"];
const DARK = 0.82; // of what a word does not look at

/** @param {Part} name */
function createFigure(name) {
  const canvas = el("canvas", { role: "img", width: 1, height: 1 }),
    title = el("b"),
    help = el("span", { class: "help" });
  return {
    name,
    canvas,
    node: el("figure", { id: `inside-${name}` }, canvas, el("figcaption", {}, title, help)),
    /** @param {number} scale */
    say(scale) {
      title.textContent = t(`inside.${name}`);
      help.textContent = t(`inside.${name}.help`, { scale: Number(scale.toFixed(2)) });
      canvas.setAttribute("aria-label", t(`inside.${name}`));
    },
  };
}

/** @param {HTMLCanvasElement} canvas @param {string} source @param {string} [map] only what it lights is bright */
async function draw(canvas, source, map) {
  const [picture, light] = await Promise.all([decode(source), map ? decode(map) : null]);
  const { width, height } = picture;
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen?.drawImage(picture, 0, 0);
  if (pen && light) {
    const veil = el("canvas", { width, height }),
      brush = veil.getContext("2d");
    brush?.drawImage(light, 0, 0, width, height);
    pen.globalCompositeOperation = "multiply";
    pen.globalAlpha = DARK;
    pen.drawImage(veil, 0, 0);
    Object.assign(pen, { globalCompositeOperation: "source-over", globalAlpha: 1 });
    light.close();
  }
  picture.close();
}

/** The words of the prompt as buttons; `choose` gets the number of one, or null. @param {(which: number | null) => void} choose */
function createWords(choose) {
  const title = el("b"),
    help = el("span", { class: "help" }),
    row = el("div", { class: "words" });
  const node = el("section", { id: "inside-words", hidden: true }, el("p", {}, title, " ", help), row);
  /** @param {number} which */
  function press(which) {
    const pressed = row.children[which]?.getAttribute("aria-pressed") === "true";
    [...row.children].forEach((one, i) => one.setAttribute("aria-pressed", String(i === which && !pressed)));
    choose(pressed ? null : which);
  }
  return {
    node,
    /** @param {Word[]} words */
    show(words) {
      node.hidden = !words.length;
      const most = Math.max(...words.map(({ share }) => share), 1e-9);
      row.replaceChildren(
        ...words.map(({ word, share }, i) =>
          el(
            "button",
            { type: "button", "aria-pressed": "false", style: `--share: ${share / most}`, onclick: () => press(i) },
            word,
          ),
        ),
      );
    },
    say() {
      title.textContent = t("inside.words");
      help.textContent = t("inside.words.help");
    },
  };
}

/** @param {() => { picture: string | undefined, step: number }} looked at */
export function createInside(looked) {
  const open = el("button", { type: "button", id: "branch-inside", class: "quiet" });
  const figures = PARTS.map(createFigure),
    words = createWords((which) => light(which));
  let step = 0;
  /** @type {Values | null} */
  let values = null;
  const runner = createRunner("inside", {
    generator: "inside",
    request: () => ({ picture: looked().picture, step: looked().step }),
    word: "inside.start",
    begun: () => {},
    heard: {
      snapshot: (/** @type {import("./engine.d.ts").Snapshot} */ told) => show(/** @type {Values} */ (told.values)),
    },
  });
  const grid = el("div", { class: "parts" }, ...figures.map(({ node }) => node));
  const { node, say: name } = createDialog("inside", ...runner.nodes, grid, words.node);
  /** @param {number | null} which */
  function light(which) {
    const source = values?.guess?.[0];
    if (source) draw(figures[2].canvas, source, which == null ? undefined : values?.maps?.[which]);
  }
  /** @param {Values} next */
  function show(next) {
    values = next;
    for (const { name, canvas, node: figure } of figures) {
      const source = next[name]?.[0];
      figure.hidden = !source;
      if (source) draw(canvas, source);
    }
    words.show(next.words);
    grid.hidden = false;
    runner.status.textContent = "";
    say();
  }
  function say() {
    open.textContent = t("inside.open");
    open.title = t("inside.open.help");
    name(t("inside.title", { step: step + 1 }));
    words.say();
    figures.forEach((one) => one.say(values?.scale ?? 1));
  }
  open.addEventListener("click", () => {
    step = looked().step;
    values = null;
    grid.hidden = words.node.hidden = true;
    say();
    node.showModal();
    /** @type {HTMLElement | null} */ (node.querySelector("#inside-start"))?.click();
  });
  on("language", say);
  say();
  return { open, node };
}
