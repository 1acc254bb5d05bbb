// A film of how a picture came about: what it shows, the job that makes it, and the file that comes of it.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { createRunner } from "./follow.js";
import { api, url } from "./http.js";
import { remember, remembered } from "./memory.js";
import { remark } from "./sentences.js";
import { language, t } from "./words.js";

/** @typedef {import("./engine.d.ts").FilmRequest} FilmRequest */
/** @typedef {{ name: keyof FilmRequest, node: HTMLElement, read: () => unknown, say: () => void }} Choice */

/** @type {Record<string, string>} */
const FILES = { webp: "WebP", gif: "GIF", mp4: "MP4" };
const SHOWS = ["result", "noise", "both", "epsilon"];
const SIZES = [192, 256, 384, 512, 768];
const PACES = [2, 4, 8, 12, 24];
const HOLDS = [0, 1.5, 3, 6];
/** @type {Record<string, any>} */
const FIRST = { kind: "webp", shows: "both", size: 384, fps: 8, hold: 1.5, captions: true, curve: true };

/** What was chosen last in this browser. @returns {Record<string, any>} */
function before() {
  try {
    return { ...FIRST, ...JSON.parse(remembered("film") ?? "{}") };
  } catch {
    return FIRST;
  }
}

/**
 * A list of values with its name.
 * @param {keyof FilmRequest} name @param {readonly (string | number)[]} values @param {(value: string | number) => string} word
 * @returns {Choice}
 */
function createChoice(name, values, word) {
  const wanted = before()[name],
    title = el("span");
  const options = values.map((value) => el("option", { value }, ""));
  const select = el("select", { name: `film-${name}` }, ...options);
  select.value = String(values.includes(wanted) ? wanted : FIRST[name]);
  return {
    name,
    node: el("label", {}, title, select),
    read: () => (typeof values[0] === "number" ? Number(select.value) : select.value),
    say() {
      title.textContent = t(`film.${name}`);
      for (const [i, value] of values.entries()) options[i].textContent = word(value);
    },
  };
}

/** Yes or no, with its name. @param {keyof FilmRequest} name @returns {Choice} */
function createTick(name) {
  const title = el("span"),
    box = el("input", { type: "checkbox", name: `film-${name}` });
  box.checked = Boolean(before()[name]);
  return {
    name,
    node: el("label", { class: "tick" }, box, title),
    read: () => box.checked,
    say() {
      title.textContent = t(`film.${name}`);
    },
  };
}

const createChoices = () => [
  createChoice("shows", SHOWS, (value) => t(`film.shows.${value}`)),
  createChoice("kind", Object.keys(FILES), (value) => FILES[value]),
  createChoice("size", SIZES, (value) => t("film.pixels", { size: value })),
  createChoice("fps", PACES, (value) => t("film.pace", { fps: value })),
  createChoice("hold", HOLDS, (value) => t("film.seconds", { seconds: value })),
  createTick("captions"),
  createTick("curve"),
];

/** The film that was made, playing, and the link that saves it. */
function createOutcome() {
  const stage = el("div", { class: "film-stage" }),
    notes = el("ul", { class: "notes" }),
    save = el("a", { class: "button primary", id: "film-save" });
  const node = el("section", { id: "film-made", hidden: true }, stage, notes, save);
  const say = () => {
    save.textContent = t("film.save-it");
  };
  return {
    node,
    say,
    /** @param {string} job @param {string} kind @param {string[]} said */
    show(job, kind, said) {
      const source = `${url(`jobs/${job}/film.${kind}`)}`;
      const looping = { src: source, autoplay: true, loop: true, muted: true, controls: true, playsinline: true };
      stage.replaceChildren(kind === "mp4" ? el("video", looping) : el("img", { src: source, alt: t("film.title") }));
      Object.assign(save, { href: source, download: `denoising-${job}.${kind}` });
      notes.replaceChildren(...said.map((note) => el("li", {}, remark(note))));
      node.hidden = false;
    },
    clear() {
      node.hidden = true;
      stage.replaceChildren();
    },
  };
}

function createFilmDialog() {
  let picture = "";
  const choices = createChoices(),
    outcome = createOutcome(),
    help = el("p", { class: "help" });
  const asked = () => Object.fromEntries(choices.map(({ name, read }) => [name, read()]));
  const runner = createRunner("film", {
    generator: "film",
    request: () => ({ ...asked(), picture, language: filmLanguage() }),
    word: "film.make",
    begun: () => {
      remember("film", JSON.stringify(asked()));
      outcome.clear();
    },
    heard: {
      progress: ({ stage, done, total }) => {
        runner.status.textContent = [t(`stage.${stage}`), total && `${done} / ${total}`].filter(Boolean).join(" ");
      },
      end: async (state) => {
        const id = runner.job();
        if (state !== "done" || !id) return;
        runner.status.textContent = "";
        const job = await api(`jobs/${id}`).catch(() => null);
        if (job) outcome.show(id, job.request.kind, job.notes);
      },
    },
  });
  const [lists, ticks] = ["SELECT", "INPUT"].map((tag) => choices.filter(({ node }) => node.querySelector(tag)));
  const form = el(
    "div",
    { class: "film-choices" },
    ...lists.map(({ node }) => node),
    el("div", { class: "ticks" }, ...ticks.map(({ node }) => node)),
  );
  const { node, say: name } = createDialog("film", help, form, ...runner.nodes, outcome.node);
  function say() {
    name(t("film.title"));
    help.textContent = t("film.help");
    choices.forEach((one) => one.say());
    outcome.say();
  }
  on("language", say);
  say();
  return {
    node,
    /** @param {string} next */
    open(next) {
      if (next !== picture) outcome.clear();
      picture = next;
      node.showModal();
      runner.resume();
    },
  };
}

/** The page's, for what is written into pictures. */
export const filmLanguage = () => (language() === "zh" ? "zh" : "en");

/** @type {ReturnType<typeof createFilmDialog> | undefined} */
let dialog;

/** Opens it for a saved picture. @param {string} picture its id */
export function openFilm(picture) {
  if (!dialog) {
    dialog = createFilmDialog();
    (document.querySelector(".gradio-container") ?? document.body).append(dialog.node);
  }
  dialog.open(picture);
}
