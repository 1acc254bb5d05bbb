// A finished picture made larger: its bytes go in as an input, and a job of its own brings the new picture.
import { el } from "./dom.js";
import { api, blob, post, upload } from "./http.js";
import { watchSubmitted } from "./jobs.js";
import { remember, remembered } from "./memory.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { t } from "./words.js";

const OWN = "aigc";

// Which network enlarges: a list where others than our own are installed. `refresh` is for each time that it is shown.
export function createUpscalerChoice() {
  const node = el("select", { id: "detail-upscaler", hidden: true });
  /** @type {string[]} */
  let others = [];
  let wanted = remembered("upscaler");
  function render() {
    node.hidden = !others.length;
    node.title = t("field.upscaler");
    node.setAttribute("aria-label", t("field.upscaler"));
    node.replaceChildren(
      ...[OWN, ...others].map((name) =>
        el("option", { value: name }, name === OWN ? t(`choice.upscaler.${OWN}`) : name),
      ),
    );
    node.value = wanted !== null && others.includes(wanted) ? wanted : OWN;
  }
  async function refresh() {
    const here = await api("addons").catch(() => null); // without an answer what was known stays
    others = here?.upscalers ?? others;
    render();
  }
  node.addEventListener("change", () => {
    wanted = node.value;
    remember("upscaler", node.value);
  });
  return { node, render, refresh };
}

/** @param {string} id of a picture @param {string | undefined} factor @param {string} upscaler */
export async function enlarge(id, factor, upscaler = OWN) {
  try {
    const bytes = await blob(`images/${encodeURIComponent(id)}`);
    if (!bytes) throw new Error(t("error.server"));
    const { id: image } = await upload(bytes);
    const job = await post("jobs", { generator: "upscale", request: { image, source: id, factor, upscaler } });
    await watchSubmitted(job.id);
  } catch (error) {
    complain(wording(error));
  }
}
