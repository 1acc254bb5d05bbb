// Lessons and links: a state of a bench, seed included, with controls that are hidden and a question to answer first.
import { el } from "./dom.js";
import { on } from "./events.js";
import { api } from "./http.js";
import { saveAs } from "./plot_files.js";
import { openBench, openRoom, openedBench, roomOf, showControls } from "./rooms.js";
import { language, t } from "./words.js";

const packed = (state) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(state))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
const unpacked = (text) =>
  JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
    ),
  );

// What a stranger's file or link may hold: the name of a bench, its values, what else is chosen there, names to hide,
// texts. All is shown as text.
function checked(state) {
  const values = state?.values,
    look = state?.look ?? {},
    hide = state?.hide ?? [];
  const plain = [values, look].every((part) => part && typeof part === "object" && !Array.isArray(part));
  if (!roomOf(state?.bench) || !plain || !Array.isArray(hide)) throw new Error(t("lesson.bad"));
  return { ...state, values, look, hide };
}
const linked = () => new URLSearchParams(location.hash.slice(1)).get("lab");
function roomOfLink() {
  try {
    return roomOf(checked(unpacked(linked())).bench);
  } catch {
    return "lab";
  }
}
on("started", () => {
  if (linked()) openRoom(roomOfLink());
});
const said = (text) => (typeof text === "string" ? text : String(text?.[language()] ?? text?.en ?? ""));

export const mountLabLessons = (root) => lessonsOf("lab", "lesson", root);
export const mountFamilyLessons = (root) => lessonsOf("families", "family-lesson", root);

// The line of one room, its ids beginning with `prefix`.
function lessonsOf(room, prefix, root) {
  const select = el("select", { id: `${prefix}-choice` }),
    name = el("span");
  const file = el("input", { type: "file", accept: ".json,application/json", hidden: true });
  const buttons = Object.fromEntries(
    ["open", "save", "link", "link.plain"].map((what) => [
      what,
      el("button", { type: "button", class: "quiet", id: `${prefix}-${what.replace(".", "-")}` }),
    ]),
  );
  const card = el("section", { class: "lesson-card", id: `${prefix}-card`, hidden: true }),
    message = el("p", { class: "alas", role: "alert", hidden: true });
  root.replaceChildren(
    el(
      "div",
      { class: "bench lessons" },
      el("div", { class: "lesson-line" }, el("label", {}, name, select), ...Object.values(buttons), file),
      message,
      card,
    ),
  );
  let lessons = [],
    present = null;

  async function load() {
    try {
      lessons = (await api("lab/lessons")).lessons.filter(({ bench }) => roomOf(bench) === room);
    } catch {
      setTimeout(load, 3000);
      return;
    }
    say();
    fromLink();
  }
  function open(state) {
    try {
      present = checked(state);
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
      return;
    }
    message.hidden = true;
    if (roomOf(present.bench) !== room) return elsewhere();
    const known = lessons.findIndex((lesson) => lesson.name === present.name);
    select.value = known < 0 ? "" : present.name;
    show();
    openBench(present.bench, present);
  }
  // A file for the other room is handed over as a link, which that room reads.
  function elsewhere() {
    const state = present;
    present = null;
    location.hash = `lab=${packed(state)}`;
  }
  function leave() {
    present = null;
    card.hidden = true;
    showControls();
  }
  function show() {
    card.hidden = !present?.question && !present?.text && !present?.hide?.length;
    if (!card.hidden)
      card.replaceChildren(
        ...cardOf(present, () => {
          present.hide = [];
          showControls();
          show();
        }),
      );
  }

  const state = (hide = []) => {
    const bench = openedBench();
    return bench && { bench: bench.name, values: bench.values(), look: bench.look(), hide };
  };
  async function copy(button, hide) {
    const link = new URL(location.href);
    link.hash = `lab=${packed(state(hide ? openedBench().shown() : []))}`;
    try {
      await navigator.clipboard.writeText(link.href);
    } catch {
      window.prompt("", link.href);
      return;
    }
    button.textContent = t("detail.copied");
    setTimeout(say, 1500);
  }
  buttons.link.addEventListener("click", () => copy(buttons.link, false));
  buttons["link.plain"].addEventListener("click", () => copy(buttons["link.plain"], true));
  buttons.save.addEventListener("click", () =>
    saveAs(
      "lesson.json",
      new Blob([JSON.stringify({ ...present, ...state(present?.hide) }, null, 1)], { type: "application/json" }),
    ),
  );
  buttons.open.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    const text = file.files[0]?.size < 1e6 ? await file.files[0].text() : "";
    file.value = "";
    try {
      open(JSON.parse(text));
    } catch {
      open(null);
    }
  });
  select.addEventListener("change", () => {
    const lesson = lessons.find(({ name: which }) => which === select.value);
    if (lesson) open(structuredClone(lesson));
    else leave();
  });
  function fromLink() {
    const told = linked();
    if (!told || roomOfLink() !== room) return;
    try {
      open(unpacked(told));
    } catch {
      open(null);
    }
  }
  function say() {
    name.textContent = t("lesson");
    const value = select.value;
    select.replaceChildren(
      el("option", { value: "" }, t("lesson.none")),
      ...lessons.map((l) => el("option", { value: l.name }, said(l.title))),
    );
    select.value = present && lessons.some((l) => l.name === present.name) ? present.name : value;
    for (const [what, button] of Object.entries(buttons)) button.textContent = t(`lesson.${what}`);
    show();
  }
  on("language", say);
  window.addEventListener("hashchange", fromLink);
  say();
  load();
}
// What stands on a lesson's card; `showAll` brings the controls back that it hides.
function cardOf(lesson, showAll) {
  const verdict = el("p", { class: "verdict", role: "status" });
  const options = (Array.isArray(lesson.options) ? lesson.options : []).map((option, i) =>
    el(
      "button",
      {
        type: "button",
        onclick: (event) => {
          const right = i === lesson.answer;
          verdict.replaceChildren(el("b", {}, `${t(right ? "lesson.right" : "lesson.wrong")} `), said(lesson.reveal));
          options.forEach((button) => {
            button.classList.remove("picked");
          });
          event.currentTarget.classList.add("picked");
        },
      },
      said(option),
    ),
  );
  const all = lesson.hide.length
    ? el("button", { type: "button", class: "quiet", onclick: showAll }, t("lesson.all"))
    : null;
  return [
    lesson.title && el("h2", {}, said(lesson.title)),
    lesson.text && el("p", {}, said(lesson.text)),
    lesson.question && el("p", {}, el("b", {}, `${t("lesson.predict")} `), said(lesson.question)),
    options.length && el("div", { class: "options" }, ...options),
    verdict,
    all,
  ].filter(Boolean);
}
window.addEventListener("hashchange", () => {
  if (linked()) openRoom(roomOfLink());
});
