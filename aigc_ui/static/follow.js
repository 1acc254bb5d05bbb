// A job's events as they come: losses, snapshots, frames, progress, and its end, whatever that is; and the buttons of a job.
import { forTraining } from "./classroom.js";
import { el } from "./dom.js";
import { on as heed } from "./events.js";
import { api, post, url } from "./http.js";
import { translated } from "./sentences.js";
import { over } from "./state.js";
import { t } from "./words.js";

// heard: { loss, progress, snapshot, frame } take what was told; `failed(text)` a sentence; `end(state)` comes last, once.
export function followJob(id, heard) {
  let source = new EventSource(url(`jobs/${id}/events`));
  const on = (name, act) =>
    act &&
    source.addEventListener(name, (event) => {
      if (event.data) act(JSON.parse(event.data));
    });
  const end = (state) => {
    if (!source) return;
    source.close();
    source = null;
    heard.end(state);
  };
  for (const name of ["loss", "progress", "snapshot", "frame"]) on(name, heard[name]);
  on("error", async (error) => heard.failed(await translated(error)));
  on("state", (state) => {
    if (over(state)) end(state.state);
  });
  source.onerror = () => {
    // the browser tries again by itself, unless the job is gone
    if (source?.readyState === EventSource.CLOSED) {
      heard.failed(t("error.server"));
      end("failed");
    }
  };
  return () => {
    source?.close();
    source = null;
  };
}

// A button that starts a job of `generator` with `request()`, the one that stops it, how it stands, and what went wrong.
// `heard` is as above, without `failed`; `begun()` is called when the job is there, `heard.end(state)` when it is over.
export function createRunner(id, { generator, request, word, begun, heard }) {
  const start = el("button", { type: "button", class: "go", id: `${id}-start` }),
    stop = el("button", { type: "button", id: `${id}-stop`, hidden: true });
  const status = el("output", { class: "figures", id: `${id}-status`, role: "status" }),
    alas = el("p", { class: "alas", role: "alert", hidden: true });
  const why = generator === "family-training" ? [forTraining(start)] : [];
  let job = null,
    leave = () => {},
    running = false;

  const complain = (text) => {
    alas.textContent = text;
    alas.hidden = false;
    status.textContent = "";
  };
  const turn = (next) => {
    running = next;
    start.hidden = running;
    stop.hidden = !running;
  };
  start.addEventListener("click", async () => {
    alas.hidden = true;
    start.disabled = true;
    status.textContent = t("state.waiting");
    try {
      job = await post("jobs", { generator, request: request() });
    } catch (error) {
      return complain(error.message);
    } finally {
      start.disabled = false;
    }
    turn(true);
    begun();
    leave();
    leave = followJob(job.id, {
      ...heard,
      failed: complain,
      end: (state) => {
        turn(false);
        if (state !== "done") status.textContent = state === "failed" ? "" : t(`state.${state}`);
        heard.end?.(state);
      },
    });
  });
  stop.addEventListener("click", () =>
    api(`jobs/${job.id}`, { method: "DELETE" }).catch((error) => complain(error.message)),
  );
  const say = () => {
    start.textContent = t(word);
    stop.textContent = t("stop");
  };
  heed("language", say);
  say();
  return {
    nodes: [el("div", { class: "plane-line" }, start, stop, status), ...why, alas],
    status,
    complain,
    running: () => running,
    job: () => job?.id,
  };
}
