// Every step of a picture taken apart, worked out once somebody looks at it: the noise that the network sees in the
// state, and what guidance adds to its guess.
import { el } from "./dom.js";
import { on } from "./events.js";
import { followJob } from "./follow.js";
import { api, post } from "./http.js";
import { createPane } from "./panes.js";
import { t } from "./words.js";

/** @typedef {import("./engine.d.ts").Frame} Frame */

/** @param {() => void} arrived when there is more to show */
export function createApart(arrived) {
  const noise = createPane("live-eps"),
    pull = createPane("live-pull"),
    status = el("output", { id: "live-apart", class: "help", role: "status" });
  /** By the picture's id. @type {Map<string, Frame[]>} */
  const known = new Map();
  let asked = "",
    word = "live.apart.later";
  /** @param {string} key @param {string} [text] a sentence of the studio's own */
  function say(key, text) {
    word = key;
    status.textContent = text ?? (key && t(key));
  }
  /** @param {string} picture */
  async function ask(picture) {
    asked = picture;
    say("live.apart.busy");
    /** @param {string} text */
    const failed = (text) => asked === picture && say("", text);
    try {
      const { id } = await post("jobs", { generator: "parts", request: { picture } });
      followJob(id, {
        waiting: () => {},
        failed,
        end: async (state) => {
          if (state !== "done") return;
          known.set(picture, await api(`jobs/${id}/frames`));
          if (asked === picture) say("");
          arrived();
        },
      });
    } catch (error) {
      failed(/** @type {Error} */ (error).message);
    }
  }
  on("language", () => word && say(word));
  say(word);
  return {
    nodes: [noise.node, pull.node],
    status,
    noise,
    pull,
    /**
     * That step of a picture, asked for where it is not known; undefined until it is.
     * @param {string | undefined} picture @param {number} index
     */
    at(picture, index) {
      if (!picture) return void say("live.apart.later");
      if (picture !== asked && !known.has(picture)) ask(picture);
      const step = known.get(picture)?.find((frame) => frame.index === index);
      if (known.has(picture)) say(step?.eps && !step.pull ? "live.apart.no-pull" : "");
      return step;
    },
    /** In the words of now. */
    label() {
      noise.label("live.eps");
      pull.label("live.pull");
    },
  };
}
