// What ties the parts together: the jobs of this browser, the stream of the watched one, keys, messages, header.
(() => {
  const { el, t, on, emit, state, api, post, listed, over, say, complain } = aigc;
  const PAGE = 60;
  const EXAMPLES = [
    "a panda", "三只小狐狸", "a pizza in pixel style", "a rocket at night", "黄色背景上的大红色圆形",
    "a penguin left of a red heart on a blue background", "three burgers",
  ];
  const SHOWN = ["text-to-image", "upscale", "grid", "prompt-lines", "decode"];  // jobs that the Create page follows
  let send = () => {}, stream = null, timer = 0, pending = 0;

  const isActive = (job) => !over(job);
  const byId = (id) => state.jobs.find((job) => job.id === id);

  // --- jobs ---
  async function refresh() {
    try {
      state.jobs = listed(await api("jobs"), "jobs").filter((job) => SHOWN.includes(job.generator));
    } catch (error) {
      return complain(error.message);
    }
    emit("jobs");
    follow();
    aigc.remind();
    poll();
  }
  function poll() {
    clearTimeout(timer);
    const others = state.jobs.some((job) => isActive(job) && job.id !== state.watched);
    const pause = others ? 2000 : state.jobs.some((job) => job.unsaved) ? 10000 : 0;
    if (pause) timer = setTimeout(() => (document.hidden ? poll() : refresh()), pause);
  }
  // Keep looking at what runs; when it is over go on to the next one, else stay with the last picture.
  function follow() {
    const watched = byId(state.watched);
    if (watched && isActive(watched)) { emit("job", watched); return; }
    const next = state.jobs.find((job) => job.state === "running") ?? state.jobs.find((job) => job.state === "waiting");
    if (next) return watch(next.id);
    if (state.watched) return;
    const last = state.jobs.filter((job) => job.state === "done" || job.state === "cancelled").sort((a, b) => b.created - a.created)[0];
    if (last) watch(last.id);
  }
  function update(snapshot) {
    const place = state.jobs.findIndex((job) => job.id === snapshot.id);
    if (place < 0) state.jobs.push(snapshot); else state.jobs[place] = { ...state.jobs[place], ...snapshot };
    emit("jobs");
    if (snapshot.id === state.watched) emit("job", byId(snapshot.id));
  }

  function watch(id) {
    const job = byId(id);
    if (!job) return;
    stream?.close();
    stream = null;
    state.watched = id;
    emit("watch", job);
    if (over(job)) return finished(id);
    listen(id);
  }
  function listen(id) {
    const source = new EventSource(aigc.url(`jobs/${id}/events`));
    stream = source;
    const heard = (name, act) => source.addEventListener(name, (event) => {
      if (stream === source && event.data) act(JSON.parse(event.data));
    });
    heard("state", (snapshot) => {
      update(snapshot);
      if (over(snapshot)) end(source, id);
    });
    heard("progress", (part) => emit("progress", { stage: part.stage, done: part.done, total: part.total, seconds: null }));
    const left = pace();
    heard("frame", (frame) => {
      emit("frame", frame);
      emit("progress", { stage: "denoising", done: frame.index, total: frame.total, seconds: left(frame) });
    });
    source.onerror = (event) => {
      if (event.data || stream !== source) return;
      emit("lost");
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (stream === source) { stream = null; refresh(); } }, 2000);
    };
  }
  // Seconds left, from the middle one of the last steps' times: replayed steps come in a burst, the first are slow.
  function pace() {
    let last = null;
    const gaps = [];
    return ({ index, total }) => {
      const now = performance.now();
      if (last && index > last.index) gaps.push((now - last.now) / (index - last.index));
      if (gaps.length > 7) gaps.shift();
      last = { index, now };
      return gaps.length < 3 ? null : (total - index) * [...gaps].sort((a, b) => a - b)[gaps.length >> 1] / 1000;
    };
  }
  async function end(source, id) {
    source.close();
    stream = null;
    const job = byId(id);
    if (job.state === "failed" || job.unsaved) aigc.failed(job);
    await Promise.all([finished(id), pictures()]);
    refresh();
  }
  // All steps at once for the scrubber, and the saved pictures themselves for its last place.
  async function finished(id) {
    const job = byId(id);
    try {
      const [frames, images] = await Promise.all([
        api(`jobs/${id}/frames`).then((body) => listed(body, "frames")),
        Promise.all(shownOf(job).map(bitmap)),
      ]);
      if (state.watched !== id) return;
      emit("finished", { frames, images: images.filter(Boolean) });
    } catch (error) {
      complain(error.message);
    }
  }
  // Of a grid, the sheet: it came last, and all others are on it.
  const shownOf = ({ generator, image_ids: ids = [] }) => (generator === "grid" ? ids.slice(-1) : ids);
  async function bitmap(id) {
    const bytes = await aigc.blob(`images/${encodeURIComponent(id)}`);
    return bytes && createImageBitmap(bytes);
  }

  async function act(path, options) {
    try { await api(path, options); } catch (error) { complain(error.message); }
    refresh();
  }
  Object.assign(aigc, { watch, refresh, redraw: (id) => { if (state.watched === id) { emit("job", byId(id)); finished(id); } } });
  aigc.stop = (id = state.watched) => {
    const job = byId(id);
    if (!job || over(job)) return;
    if (job.state === "running") update({ ...job, state: "cancelled", stopping: true });
    act(`jobs/${id}`, { method: "DELETE" });
  };
  aigc.remove = (id) => act(`jobs/${id}`, { method: "DELETE" });
  aigc.move = (id, position) => post(`jobs/${id}/move`, { position }).catch((error) => complain(error.message)).then(refresh);

  // --- pictures ---
  async function pictures() {
    try {
      state.pictures = listed(await api(`images?limit=${PAGE}`), "images");
      state.more = state.pictures.length === PAGE;
      emit("pictures");
    } catch (error) { complain(error.message); }
  }
  aigc.pictures = pictures;
  aigc.older = async () => {
    const before = state.pictures.at(-1)?.id;
    try {
      const older = listed(await api(`images?limit=${PAGE}&before=${encodeURIComponent(before)}`), "images");
      state.pictures.push(...older);
      state.more = older.length === PAGE;
      emit("pictures");
    } catch (error) { complain(error.message); }
  };

  // --- the wire to Python ---
  aigc.connect = ({ trigger }) => { send = trigger; };
  aigc.receive = (signal) => {
    if (!signal) return;
    if (signal.notice !== undefined) emit("notice", signal.notice);
    if (signal.failed) { settle(); complain(t("error.server")); }
    if (signal.error) { settle(); complain(signal.error.message); }
    if (signal.job) { settle(); say("", ""); keep(signal.values); submitted(signal.job); }
    if (signal.settings && !signal.settings.quiet) {
      const names = signal.settings.refused.join(", ");
      document.getElementById("area-prompt")?.scrollIntoView({ block: "nearest", behavior: "smooth" });
      say("good", names ? t("settings.some", { names }) : t("settings.taken"));
    }
  };
  aigc.settings = ({ image, mask_image, ...values }, quiet = false) => {
    emit("settings", { image, mask_image });  // pictures are looked for first
    send("settings", { values, quiet });
  };
  // What was just asked for is looked at, unless another one is running; it may already be over.
  aigc.submitted = submitted;
  async function submitted(id) {
    await refresh();
    const watched = byId(state.watched), job = byId(id);
    if (job && state.watched !== id && (!watched || over(watched))) watch(id);
    if (!job || !over(job)) return;
    pictures();
    if (job.state === "failed") aigc.failed(job);
  }
  const settle = () => {
    pending = Math.max(0, pending - 1);
    if (!pending) document.getElementById("generate")?.classList.remove("sending");
    emit("job", byId(state.watched));
  };

  // The last settings of this browser come back after a reload, and what was typed since.
  function keep(values) { if (values) aigc.remember("settings", JSON.stringify(values)); }
  function restore() {
    let kept = {};
    try { kept = JSON.parse(aigc.remembered("settings") ?? "{}"); } catch { /* not ours to read */ }
    for (const name of ["prompt", "negative_prompt", "image", "mask_image"]) {
      const typed = aigc.remembered(`draft.${name}`);
      if (typed !== null) kept[name] = typed;
    }
    if (Object.keys(kept).length) aigc.settings(kept, true);
  }
  const box = (id) => document.querySelector(`#${id} textarea, #${id} input`);
  function type(id, text) {
    const field = box(id);
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  }

  aigc.mounts.examples = (root) => {
    const title = el("span", { class: "help" });
    root.replaceChildren(el("div", { id: "example-chips" }, title,
      ...EXAMPLES.map((prompt) => el("button", { type: "button", class: "chip", onclick: () => type("prompt", prompt) }, prompt))));
    const render = () => { title.textContent = t("examples"); };
    on("language", render);
    render();
  };

  // --- header: name, language, light or dark ---
  aigc.mounts.header = (root) => {
    const name = el("h1"), language = el("button", { type: "button", id: "language", class: "quiet" });
    const theme = el("button", { type: "button", id: "theme", class: "quiet" }, "◐");
    root.replaceChildren(el("header", { id: "masthead" }, name, language, theme));
    const render = () => {
      name.textContent = t("title");
      language.textContent = aigc.language() === "zh" ? "English" : "中文";
      language.lang = aigc.language() === "zh" ? "en" : "zh-CN";
      language.title = t("language");
      theme.title = t("theme");
      theme.setAttribute("aria-label", t("theme"));
      document.title = t("title");
    };
    language.addEventListener("click", () => aigc.speak(aigc.language() === "zh" ? "en" : "zh"));
    theme.addEventListener("click", () => {
      const dark = document.body.classList.toggle("dark");
      aigc.remember("theme", dark ? "dark" : "light");
    });
    on("language", render);
    render();
  };

  // --- keys ---
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      document.activeElement?.blur?.();           // a number being typed counts once its box is left
      setTimeout(() => document.getElementById("generate")?.click(), 30);
    }
    const closesSomething = document.querySelector("dialog[open]") || event.target.closest?.('[aria-expanded="true"]');
    if (event.key === "Escape" && !closesSomething) aigc.stop();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#generate")) return;
    pending += 1;
    document.getElementById("generate").classList.add("sending");
    if (!state.jobs.some(isActive)) emit("pending");
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("#prompt")) aigc.remember("draft.prompt", event.target.value);
    if (event.target.closest?.("#negative-prompt")) aigc.remember("draft.negative_prompt", event.target.value);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && send) refresh(); });

  on("jobs", () => document.documentElement.classList.toggle("busy", state.jobs.some(isActive)));
  on("language", (language) => send("language", { language }));
  on("remount", () => { if (state.watched) watch(state.watched); });
  aigc.start = () => {
    const theme = aigc.remembered("theme");
    if (theme && !new URLSearchParams(location.search).has("__theme")) document.body.classList.toggle("dark", theme === "dark");
    document.documentElement.lang = aigc.language() === "zh" ? "zh-CN" : "en";
    const said = document.getElementById("generate")?.textContent.trim();
    if (said && said !== t("generate")) send("language", { language: aigc.language() });
    send("hello", {});
    restore();
    refresh();
    pictures();
    emit("started");
    document.documentElement.dataset.ready = "true";
  };
})();
