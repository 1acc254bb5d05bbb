// What downloads are called: a pattern with AUTOMATIC1111's tokens that this browser remembers; the studio writes the names.
import { createDialog } from "./dialog.js";
import { el } from "./dom.js";
import { emit, on } from "./events.js";
import { api, url } from "./http.js";
import { remember, remembered } from "./memory.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

const KEY = "download-name",
  TYPING = 200; // milliseconds between keys
const TOKENS =
  "[date] [datetime<%Y-%m-%d %H-%M>] [seed] [prompt_words] [prompt] [model_name] [sampler] [steps] [cfg] [width] [height] [job]".split(
    /(?<=\]) /,
  );

/** The pattern; "" where pictures keep the studio's own name. */
const pattern = () => remembered(KEY) ?? "";

/** Makes a link one to a picture's file, under its name of now and of later. @param {HTMLAnchorElement} link @param {string} id @param {string} kind */
export function nameDownload(link, id, kind) {
  Object.assign(link.dataset, { download: id, kind });
  renew(link);
}
/** @param {HTMLAnchorElement} link */
function renew(link) {
  const { download: id = "", kind } = link.dataset;
  const asked = pattern() && `?name=${encodeURIComponent(pattern())}`;
  link.href = url(`images/${encodeURIComponent(id)}.${kind}${asked}`);
  link.download = `${id}.${kind}`; // the studio's answer says another one, where one is asked for
}
on("download-name", () => {
  for (const link of document.querySelectorAll("a[data-download]")) renew(/** @type {HTMLAnchorElement} */ (link));
});

/** A button that opens the setting, beside what downloads. */
export function createNaming() {
  const button = el("button", { type: "button", class: "quiet", "data-act": "naming", onclick: () => open() });
  function open() {
    const dialog = createNamingDialog();
    button.closest(".gradio-container")?.append(dialog);
    dialog.addEventListener("close", () => [dialog.remove(), button.focus()]);
    dialog.showModal();
  }
  return {
    button,
    say: () => {
      button.textContent = t("naming");
    },
  };
}

function createNamingDialog() {
  const help = el("p", { class: "help" }, t("naming.help")),
    box = el("input", { type: "text", id: "download-name", maxlength: 400, autocomplete: "off", spellcheck: "false" }),
    save = el("button", { type: "submit", class: "primary" }, t("naming.save")),
    form = el("form", {}, box, save),
    example = el("output", { class: "naming-example", for: "download-name" }),
    tokens = el("div", { class: "naming-tokens" });
  const { node, say } = createDialog("naming", help, form, example, tokens);
  let [pause, turn] = [0, 0];
  let good = "";

  /** Whether the pattern makes a name; its example or what is wrong with it is shown. */
  async function look() {
    const [mine, asked] = [++turn, box.value.trim()];
    try {
      const answer = await api(`download-name?${new URLSearchParams({ pattern: asked })}`);
      if (mine !== turn) return false;
      example.textContent = `${answer.name}.png`;
      example.classList.remove("alas");
      good = asked;
      return true;
    } catch (error) {
      if (mine === turn) {
        example.textContent = wording(error)();
        example.classList.add("alas");
      }
      return false;
    }
  }
  box.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(look, TYPING);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(pause);
    if (!(await look())) return;
    remember(KEY, good);
    emit("download-name", undefined);
    node.close();
  });
  for (const token of TOKENS)
    tokens.append(
      el("button", { type: "button", class: "chip", onclick: () => insert(box, token) }, token.replace(/<.*>/, "<…>")),
    );
  say(t("naming"));
  box.value = pattern();
  box.setAttribute("aria-label", t("naming"));
  box.placeholder = "[date]-[prompt_words]-[seed]";
  look();
  return node;
}

/** Where the cursor is, as if it had been typed. @param {HTMLInputElement} box @param {string} text */
function insert(box, text) {
  box.setRangeText(text, box.selectionStart ?? box.value.length, box.selectionEnd ?? box.value.length, "end");
  box.dispatchEvent(new Event("input"));
  box.focus();
}
