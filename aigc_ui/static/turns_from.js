// Where a finished picture can lead: variations of it, a part of it painted anew, more around it, its settings again.
import { branchFields, defaults } from "./fields.js";
import { blob, post, recipeOf, upload } from "./http.js";
import { watchSubmitted } from "./jobs.js";
import { complain } from "./message.js";
import { wording } from "./sentences.js";
import { paintOver } from "./start.js";
import { t } from "./words.js";
import { applySettings } from "./wire.js";

const VARIATIONS = 4,
  VARIED = 0.3; // how far their noise is turned away from the picture's
const BORDER = 64; // pixels that are painted beyond each edge

/** The same words over noise that is much like the picture's. @param {string} id */
export const vary = (id) =>
  attempt(async () => {
    const { request } = await recipeOf(id);
    const varied = { variation_seed: -1, variation_strength: VARIED, count: VARIATIONS };
    const job = await post("jobs", { generator: "text-to-image", request: { ...request, ...varied } });
    await watchSubmitted(job.id);
  });

/** The settings of a picture, also those that an older recipe does not know. @param {string} id */
export const useSettings = (id) =>
  attempt(async () => applySettings({ ...defaults(), ...(await recipeOf(id)).request }));

/** The picture is the one to start from, and the mask over it is open. @param {string} id */
export const editPart = (id) => attempt(async () => paintOver(await begin(id, {})));

/** The picture lies in the middle of a larger canvas. @param {string} id */
export const widen = (id) =>
  attempt(async () => {
    const borders = ["left", "right", "top", "bottom"].map((side) => [`outpaint_${side}`, BORDER]);
    await begin(id, Object.fromEntries(borders));
    document.getElementById("start")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });

/**
 * From the picture itself, with the settings that it was made with; the id under which the studio keeps it to start from.
 * @param {string} id @param {import("./fields.js").Settings} more
 */
async function begin(id, more) {
  const [{ generator, request = {} }, bytes] = await Promise.all([
    recipeOf(id),
    blob(`images/${encodeURIComponent(id)}`),
  ]);
  if (!bytes) throw new Error(t("error.server"));
  const { id: image } = await upload(bytes);
  const usual = defaults();
  const anew = { seed: -1, count: 1, variation_strength: 0, strength: usual.strength, ...branchFields(usual) };
  const settings = generator === "upscale" ? {} : { ...usual, ...request, ...anew };
  applySettings({ ...settings, image, mask_image: "", ...more }, true);
  return image;
}

/** @param {() => Promise<unknown>} work */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    complain(wording(error));
  }
}
