// Lessons and links: a state of a bench, seed included, with controls that are hidden and a question to answer first.
import { enterLesson, linkTo, packed, placeOfAddress, unpacked } from "./address.js";
import { el } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { saveAs } from "./plot_files.js";
import { openBench, openedBench, openedState, roomOf, showControls } from "./rooms.js";
import { language, t } from "./words.js";

/**
 * A lesson: a state of a bench, and what stands on its card; texts in one language or in several.
 * @typedef {string | Record<string, string>} Text
 * @typedef {import("./types.d.ts").BenchState & { name?: string, look: object, title?: Text, text?: Text,
 *   question?: Text, options?: Text[], answer?: number, reveal?: Text }} Lesson
 */

/**
 * What a stranger's file or link may hold: the name of a bench, its values, what else is chosen there, names to hide,
 * texts. All is shown as text.
 * @param {any} state @returns {Lesson}
 */
function checked(state) {
  const values = state?.values,
    look = state?.look ?? {},
    hide = state?.hide ?? [];
  const plain = [values, look].every((part) => part && typeof part === "object" && !Array.isArray(part));
  if (!roomOf(state?.bench) || !plain || !Array.isArray(hide)) throw new Error(t("lesson.bad"));
  return { ...state, values, look, hide };
}
/** A text in the language of now; a stranger's may be anything. @param {any} text */
const inWords = (text) => (typeof text === "string" ? text : String(text?.[language()] ?? text?.en ?? ""));

/** @param {HTMLElement} root */
export const mountLabLessons = (root) => lessonsOf("lab", "lesson", root);
/** @param {HTMLElement} root */
export const mountFamilyLessons = (root) => lessonsOf("families", "family-lesson", root);

/** The line of one room, its ids beginning with `prefix`. @param {string} room @param {string} prefix @param {HTMLElement} root */
function lessonsOf(room, prefix, root) {
  const line = createLine(prefix, root);
  /** @type {Lesson[]} */
  let lessons = [];
  /** @type {Lesson | null} the one that is open */
  let present = null;

  /** @param {unknown} state of a lesson, a file or a link */
  function open(state) {
    try {
      present = checked(state);
    } catch (error) {
      return line.complain(/** @type {Error} */ (error).message);
    }
    line.complain("");
    if (roomOf(present.bench) !== room) return elsewhere(present);
    const { name } = present;
    line.select.value = name && lessons.some((lesson) => lesson.name === name) ? name : "";
    show();
    openBench(present.bench, present);
  }
  /** A file for the other room is handed over as a link, which that room reads. @param {Lesson} state */
  function elsewhere(state) {
    present = null;
    location.hash = `lab=${packed(state)}`;
  }
  function leave() {
    present = null;
    line.select.value = "";
    line.card.hidden = true;
    showControls();
  }
  function show() {
    const lesson = present;
    line.card.hidden = !lesson?.question && !lesson?.text && !lesson?.hide.length;
    if (line.card.hidden || !lesson) return;
    const showAll = () => {
      lesson.hide = [];
      showControls();
      show();
    };
    line.card.replaceChildren(...cardOf(lesson, showAll));
  }
  line.sends(() => present, open, say);
  line.select.addEventListener("change", () => {
    const lesson = lessons.find(({ name }) => name === line.select.value),
      bench = lesson?.bench ?? openedBench()?.name;
    if (bench) enterLesson(bench, lesson?.name);
    if (lesson) open(structuredClone(lesson));
    else leave();
  });
  /** What the address names, be it by Back, by Reload or by a link. @param {import("./types.d.ts").Whereabouts} place */
  function follow(place) {
    if (place.room !== room) return;
    if (place.state) return open(unpacked(place.state));
    const lesson = lessons.find(({ name }) => name === place.lesson);
    if (lesson && present?.name !== lesson.name) open(structuredClone(lesson));
    if (!lesson && present) leave();
  }
  function say() {
    line.say(lessons, present);
    show();
  }
  on("language", say);
  on("address", follow);
  say();
  lessonsIn(room).then((all) => {
    lessons = all;
    say();
    follow(placeOfAddress());
  });
}

/** The lessons of a room, as soon as the studio gives them. @param {string} room @returns {Promise<Lesson[]>} */
async function lessonsIn(room) {
  try {
    /** @type {Lesson[]} */
    const all = (await api("lab/lessons")).lessons;
    return all.filter(({ bench }) => roomOf(bench) === room);
  } catch {
    await new Promise((again) => setTimeout(again, 3000));
    return lessonsIn(room);
  }
}

/** The choice of lessons with its buttons, what is wrong, and the card. @param {string} prefix @param {HTMLElement} root */
function createLine(prefix, root) {
  const select = el("select", { id: `${prefix}-choice` }),
    name = el("span");
  const file = el("input", { type: "file", accept: ".json,application/json", hidden: true });
  const [openFile, save, link, plainLink] = ["open", "save", "link", "link.plain"].map((what) =>
    el("button", {
      type: "button",
      class: "quiet",
      id: `${prefix}-${what.replace(".", "-")}`,
      "data-word": `lesson.${what}`,
    }),
  );
  const buttons = [openFile, save, link, plainLink];
  const card = el("section", { class: "lesson-card", id: `${prefix}-card`, hidden: true }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  const line = el("div", { class: "lesson-line" }, el("label", {}, name, select), ...buttons, file);
  root.replaceChildren(el("div", { class: "bench lessons" }, line, message, card));

  /** @param {string} text */
  function complain(text) {
    message.textContent = text;
    message.hidden = !text;
  }
  /** @type {(present: () => Lesson | null, open: (state: unknown) => void, say: () => void) => void} */
  function sends(present, open, say) {
    link.addEventListener("click", () => copyLink(link, false, say));
    plainLink.addEventListener("click", () => copyLink(plainLink, true, say));
    save.addEventListener("click", () => saveLesson(present()));
    openFile.addEventListener("click", () => file.click());
    file.addEventListener("change", async () => open(await readFile(file)));
  }
  /** @param {Lesson[]} lessons @param {Lesson | null} present */
  function say(lessons, present) {
    name.textContent = t("lesson");
    const value = select.value;
    select.replaceChildren(
      el("option", { value: "" }, t("lesson.none")),
      ...lessons.map((lesson) => el("option", { value: lesson.name }, inWords(lesson.title))),
    );
    select.value = lessons.find((lesson) => lesson.name === present?.name)?.name ?? value;
    for (const button of buttons) button.textContent = t(button.dataset.word ?? "");
  }
  return { select, card, complain, sends, say };
}

/** @param {HTMLElement} button @param {boolean} hide all controls @param {() => void} say its word again */
async function copyLink(button, hide, say) {
  const link = linkTo(openedState(hide ? openedBench()?.shown() : []));
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    window.prompt("", link);
    return;
  }
  button.textContent = t("detail.copied");
  setTimeout(say, 1500);
}
/** @param {Lesson | null} present */
function saveLesson(present) {
  const text = JSON.stringify({ ...present, ...openedState(present?.hide) }, null, 1);
  saveAs("lesson.json", new Blob([text], { type: "application/json" }));
}
/** What a chosen file holds; null where that is no JSON. @param {HTMLInputElement} input */
async function readFile(input) {
  const file = input.files?.[0],
    text = file && file.size < 1e6 ? await file.text() : "";
  input.value = "";
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What stands on a lesson's card; `showAll` brings the controls back that it hides. @param {Lesson} lesson @param {() => void} showAll */
function cardOf(lesson, showAll) {
  const verdict = el("p", { class: "verdict", role: "status" });
  const options = optionsOf(lesson, verdict);
  const all = lesson.hide.length
    ? el("button", { type: "button", class: "quiet", onclick: showAll }, t("lesson.all"))
    : null;
  const parts = [
    lesson.title && el("h2", {}, inWords(lesson.title)),
    lesson.text && el("p", {}, inWords(lesson.text)),
    lesson.question && el("p", {}, el("b", {}, `${t("lesson.predict")} `), inWords(lesson.question)),
    options.length > 0 && el("div", { class: "options" }, ...options),
    verdict,
    all,
  ];
  return parts.filter((part) => part instanceof Node);
}
/** Answers to choose from; the verdict says which one was right. @param {Lesson} lesson @param {HTMLElement} verdict */
function optionsOf(lesson, verdict) {
  const options = Array.isArray(lesson.options) ? lesson.options : [];
  /** @type {HTMLButtonElement[]} */
  const buttons = options.map((option, i) => el("button", { type: "button", onclick: () => pick(i) }, inWords(option)));
  /** @param {number} i */
  function pick(i) {
    const right = i === lesson.answer;
    verdict.replaceChildren(el("b", {}, `${t(right ? "lesson.right" : "lesson.wrong")} `), inWords(lesson.reveal));
    buttons.forEach((button, k) => {
      button.classList.toggle("picked", k === i);
    });
  }
  return buttons;
}
