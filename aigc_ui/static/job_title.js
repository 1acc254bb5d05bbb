// What a job, or a picture of one, is called in lists: its prompt, or where it has many or none what it is.
import { named } from "./recipe_rows.js";
import { t } from "./words.js";

/** @typedef {Partial<import("./engine.d.ts").RequestFields>} Settings */

/** @type {Record<string, (request: Settings) => string>} */
const TITLES = {
  upscale: (request) => t("job.upscale", { factor: parseInt(request.factor ?? "", 10) }),
  decode: () => t("decode.again"),
  grid,
  guesses: () => t("branch.earlier"),
  "prompt-lines": lines,
};

/** What its axes change, and the prompt where they change none. @param {Settings} request */
function grid({ x_field = "none", y_field = "none", z_field = "none", prompt }) {
  const used = [x_field, y_field, z_field].filter((field) => field !== "none");
  const title = t("job.grid", { axes: used.map(named).join(" × ") });
  return used.includes("prompt") || !prompt ? title : `${title} · ${prompt}`;
}

/** The first of its prompts, and how many follow. @param {Settings} request */
function lines({ prompt_lines = "" }) {
  const [first = "", ...others] = prompt_lines.split("\n").filter((line) => line.trim());
  return others.length ? t("job.lines", { first, count: others.length }) : first;
}

/** @param {string} generator @param {Settings} request */
export const titled = (generator, request) => TITLES[generator]?.(request) || request.prompt || t("prompt.empty");
