// Pictures that networks follow: a ControlNet's, brought or drawn by hand, and an IP-Adapter's. The fields of each
// begin with its prefix: "control", "control2", "ip".
import { el } from "./dom.js";
import { on } from "./events.js";
import { api, blob, posted, upload, url } from "./http.js";
import { createFollowedView } from "./followed_view.js";
import { drawLines } from "./mask_field.js";
import { complain } from "./message.js";
import { createPictureField, source } from "./picture_field.js";
import { newest } from "./turns.js";
import { applySettings } from "./wire.js";
import { t } from "./words.js";

/**
 * @typedef {import("./component.js").Component<string>} Component
 * @typedef {Partial<import("./engine.d.ts").RequestFields>} Settings
 * @typedef {{
 *   prefix: string, network: "controls" | "ip_adapters", words: import("./followed_view.js").Words,
 *   more: import("./followed_view.js").More, look: (id: string) => Promise<Blob | null>, show?: (id: string) => void,
 * }} Followed `network` is the list of those that are installed, `look` what one sees of a picture
 */

const NO_NETWORK = "none";
const NOTHING_MORE = { bare: [], side: [], under: [] };

/** @param {Component} component */
const prefixOf = ({ field }) => field.replace(/_image$/, "");
/** @param {string} id */
const kept = (id) => blob(source(id));

/**
 * A picture brings the network that reads it, where only one is installed, and takes it away.
 * @param {Component} component
 * @param {Followed} followed
 */
function follow(component, { prefix, network, words, more, look, show }) {
  const model = `${prefix}_model`;
  /** The network that Python is told to set, as long as the page does not hold it. @type {Record<string, string>} */
  let setting = {};
  on("sized", (/** @type {Record<string, unknown>} */ held) => {
    if (held[model] === setting[model]) setting = {};
  });
  /** @param {string} name */
  function use(name) {
    setting = { [model]: name };
    applySettings(/** @type {Settings} */ (setting), true);
  }
  /** @param {Blob} bytes */
  async function withNetwork(bytes) {
    const kept = await upload(bytes);
    const installed = (await api("addons").catch(() => null))?.[network] ?? [];
    if (installed.length === 1) use(installed[0]);
    return kept;
  }
  /** @param {Blob} bytes */
  const bring = (bytes) => field.bring(withNetwork(bytes));
  function remove() {
    field.clear();
    use(NO_NETWORK);
  }
  const view = createFollowedView(prefix, words, more, { bring, remove });
  const see = newest(async () => {
    const id = field.picture()?.id;
    if (!id) return;
    try {
      const seen = await look(id);
      if (seen && id === field.picture()?.id) view.see(seen);
    } catch {
      complain(t("error.server"));
    }
  });
  let seen = "";
  function render(now = field) {
    const id = now.picture()?.id ?? "";
    view.show({ chosen: Boolean(id), busy: now.busy(), gone: now.gone() });
    show?.(id);
    if (id !== seen) see({});
    seen = id;
  }
  const field = createPictureField(component, render, () => setting); // which may be called before there is a `field`
  component.element.replaceChildren(view.node);
  on("language", () => render());
  render();
  return { field, bring, remove, render: () => render(), see: () => see({}) };
}

/** @param {Component} component */
export function drawReference(component) {
  const words = {
    picture: "reference.picture",
    how: "reference.how",
    seen: "reference.picture",
    gone: "reference.gone",
    remove: "reference.remove",
  };
  follow(component, { prefix: prefixOf(component), network: "ip_adapters", words, more: NOTHING_MORE, look: kept });
}

// --- what a ControlNet sees of its picture ---
/** @type {Map<string, Settings>} by prefix: how the picture is looked at, under the names of the first one's fields */
const looks = new Map();
/** @type {Map<string, () => void>} */
const seeAgain = new Map();
on("control", ({ prefix, seen }) => {
  looks.set(prefix, seen);
  seeAgain.get(prefix)?.();
});
/** @param {string} prefix @param {string} id @returns {Promise<Blob | null>} */
async function seenBy(prefix, id) {
  const request = posted({ control_image: id, ...looks.get(prefix) });
  const answer = await fetch(url("addons/seen.png"), { credentials: "same-origin", ...request });
  return answer.ok ? answer.blob() : null;
}

/** @param {Component} component */
export function drawControl(component) {
  const prefix = prefixOf(component);
  let drawn = ""; // the picture that was drawn by hand last, which is gone on with
  const pen = el("button", { type: "button", id: `${prefix}-draw`, onclick: draw });
  const redraw = el("button", { type: "button", id: `${prefix}-redraw`, onclick: draw });
  const hint = el("p", { class: "help" });
  const control = follow(component, {
    prefix,
    network: "controls",
    words: {
      picture: "control.picture",
      how: "control.how",
      seen: "control.seen",
      gone: "control.gone",
      remove: "control.remove",
    },
    more: { bare: [pen], side: [redraw], under: [hint] },
    look: (id) => seenBy(prefix, id),
    show(id) {
      pen.textContent = t("scribble.draw");
      redraw.textContent = t("scribble.edit");
      redraw.hidden = id !== drawn;
      hint.textContent = t("control.hint");
    },
  });
  seeAgain.set(prefix, control.see);
  // White on black, as ControlNets for scribbles learned them.
  async function draw() {
    const id = control.field.picture()?.id;
    const before = id && id === drawn ? await kept(id) : null;
    const lines = await drawLines(before);
    if (lines === before) return;
    if (!lines) return control.field.clear();
    await control.bring(lines);
    drawn = control.field.picture()?.id ?? "";
    control.render();
    applySettings(/** @type {Settings} */ ({ [`${prefix}_type`]: "plain" }));
  }
}
