// What the chosen model knows, where it knows a closed number of words, and which words of the prompt it does not hear.
// The studio decides; this asks it after every pause in the typing.
import { around, box } from "./dom.js";
import { emit, on } from "./events.js";
import { api, post } from "./http.js";
import { inUnits } from "./word_places.js";

const WAIT = 150; // ms without a key

/** @typedef {import("./types.d.ts").Vocabulary} Vocabulary */

let asked = { model: "", prompt_syntax: "a1111" };
/** @type {Vocabulary | null} */
let vocabulary = null;
/** @type {Map<string, Promise<Vocabulary | null>>} */
const fetched = new Map();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;
let composing = false;

export const known = () => vocabulary;
/** Where the small pictures are, as a browser keeps them. */
export const sheetAddress = () =>
  new URL(
    `api/v1/prompt/pictures?${new URLSearchParams({ model: asked.model, v: vocabulary?.digest ?? "" })}`,
    document.baseURI,
  ).href;
/** @param {string} model @returns {Promise<Vocabulary | null>} */
function of(model) {
  const answer =
    fetched.get(model) ??
    api(`prompt/vocabulary?${new URLSearchParams({ model })}`).then(
      (body) => body.vocabulary,
      () => {
        fetched.delete(model); // the next one asks again
        return null;
      },
    );
  fetched.set(model, answer);
  return answer;
}

on("prompt", async ({ model, prompt_syntax }) => {
  const other = model !== asked.model;
  asked = { model, prompt_syntax };
  if (other) {
    const found = await of(model);
    if (model !== asked.model) return;
    vocabulary = found;
    emit("vocabulary", found);
  }
  soon();
});
document.addEventListener("input", (event) => {
  if (around(event, "#prompt")) soon();
});
document.addEventListener("compositionstart", (event) => {
  composing = Boolean(around(event, "#prompt"));
});
document.addEventListener("compositionend", () => {
  composing = false;
  soon();
});

function soon() {
  clearTimeout(timer);
  if (composing)
    turn += 1; // what an input method shows is no word yet
  else if (vocabulary) timer = setTimeout(ask, WAIT);
  else turn += 1;
}
async function ask() {
  const mine = ++turn,
    prompt = box("prompt")?.value ?? "";
  if (!prompt.trim()) return emit("unheard", { prompt, words: [] });
  try {
    const { unheard } = await post("prompt/words", { prompt, ...asked });
    if (mine === turn) emit("unheard", { prompt, words: inUnits(prompt, unheard) });
  } catch {
    if (mine === turn) emit("unheard", { prompt, words: [] }); // the line of tokens says what is wrong with it
  }
}
