// Asking the studio: its answers as JSON or bytes, its refusals as errors with a sentence.
import { translated } from "./sentences.js";
import { t } from "./words.js";

/** @param {string} path */
export const url = (path) => new URL(`api/v1/${path}`, document.baseURI).href;
/** @typedef {import("./types.d.ts").Refusal} Refusal */
/** The studio's answer; throws a Refusal. @param {string} path @param {RequestInit} options */
async function answered(path, options = {}) {
  let answer;
  try {
    answer = await fetch(url(path), { credentials: "same-origin", ...options });
  } catch {
    throw new Error(t("error.server"));
  }
  if (answer.ok) return answer;
  const refused = (await answer.json().catch(() => null))?.error;
  throw Object.assign(new Error(refused ? await translated(refused) : t("error.server")), {
    code: refused?.code,
    sentence: refused,
    again: answer.status === 429 ? Number(answer.headers.get("retry-after")) : 0,
  });
}
/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} what the studio says, as JSON */
export async function api(path, options) {
  const answer = await answered(path, options);
  return answer.status === 204 ? null : answer.json().catch(() => null);
}
/** @param {unknown} body */
export const posted = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
/** @param {string} path @param {unknown} body */
export const post = (path, body) => api(path, posted(body));
/** The same for a bench of this tab: while such a question waits for its turn, a newer one takes its place. */
const tab = Math.random().toString(36).slice(2);
/** @param {string} bench @returns {(path: string, body: unknown) => Promise<any>} */
export const posedBy = (bench) => (path, body) => {
  const options = posted(body);
  return api(path, { ...options, headers: { ...options.headers, "x-aigc-bench": `${tab} ${bench}` } });
};
/**
 * A picture's bytes to be worked on, as the studio keeps it.
 * @param {Blob} bytes @returns {Promise<{ id: string, width: number, height: number }>}
 */
export const upload = (bytes) =>
  api("inputs", { method: "POST", headers: { "content-type": bytes.type || "application/octet-stream" }, body: bytes });
/** How a picture was made. @param {string} id @returns {Promise<import("./types.d.ts").Recipe>} */
export const recipeOf = async (id) => (await api(`images/${encodeURIComponent(id)}/meta`)).recipe ?? {};
/** @param {string} path @param {RequestInit} [options] */
export const file = async (path, options) => (await answered(path, options)).blob();
/** @param {string} path @param {RequestInit} [options] */
export const blob = (path, options) => file(path, options).catch(() => null);
/** @param {any} body @param {string} name @returns {any[]} */
export const listed = (body, name) => (Array.isArray(body) ? body : (body?.[name] ?? []));
