// Words, small helpers for DOM and HTTP, and the one state that all parts of the page share.
window.aigc = (() => {
  const listeners = {};
  const on = (name, listener) => (listeners[name] ??= []).push(listener);
  const emit = (name, detail) => (listeners[name] ?? []).forEach((listener) => listener(detail));

  // What the parts show. `jobs` are mine, `watched` is the id of the one in the live view.
  const state = { jobs: [], watched: null, pictures: [], more: false };

  // --- words ---
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered("lang") ?? navigator.language ?? "en";
  let language = asked.toLowerCase().startsWith("zh") ? "zh" : "en";
  const t = (key, values = {}) =>
    (window.aigcWords[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const has = (key) => key in window.aigcWords[language];
  function speak(next) {
    language = next;
    remember("lang", next);
    document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
    emit("language", next);
  }

  // --- what this browser remembers; private windows may refuse ---
  function remembered(key) {
    try { return localStorage.getItem(`aigc.${key}`); } catch { return null; }
  }
  function remember(key, value) {
    try { localStorage.setItem(`aigc.${key}`, value); } catch { /* nothing to remember it in */ }
  }

  // --- DOM: text is always text, never HTML ---
  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child != null && child !== false));
    return node;
  }
  const icon = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const icons = { play: "M5 3l8 5-8 5z", pause: "M4 3h3v10H4zM9 3h3v10H9z" };

  // A value into one of Gradio's boxes, as if it had been typed.
  function put(id, text) {
    const field = document.querySelector(`#${id} textarea, #${id} input`);
    if (!field || field.value === text) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- HTTP ---
  const url = (path) => new URL(`api/v1/${path}`, document.baseURI).href;
  // The studio's answer; what it refuses is an Error with its sentence, its code, and the seconds after which to ask again.
  async function answered(path, options = {}) {
    let answer;
    try {
      answer = await fetch(url(path), { credentials: "same-origin", ...options });
    } catch {
      throw new Error(t("error.server"));
    }
    if (answer.ok) return answer;
    const refused = (await answer.json().catch(() => null))?.error;
    throw Object.assign(new Error(refused?.message ?? t("error.server")),
      { code: refused?.code, again: answer.status === 429 ? Number(answer.headers.get("retry-after")) : 0 });
  }
  async function api(path, options) {
    const answer = await answered(path, options);
    return answer.status === 204 ? null : answer.json().catch(() => null);
  }
  const posted = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const post = (path, body) => api(path, posted(body));
  // The same for a bench of this tab: while such a question waits for its turn, a newer one takes its place.
  const tab = Math.random().toString(36).slice(2);
  const posedBy = (bench) => (path, body) => {
    const options = posted(body);
    return api(path, { ...options, headers: { ...options.headers, "x-aigc-bench": `${tab} ${bench}` } });
  };
  // A picture's bytes to be worked on: { id, width, height } as the studio keeps it.
  const upload = (blob) =>
    api("inputs", { method: "POST", headers: { "content-type": blob.type || "application/octet-stream" }, body: blob });
  const file = async (path, options) => (await answered(path, options)).blob();
  const blob = (path, options) => file(path, options).catch(() => null);
  // A picture in a data URI.
  async function decode(source) {
    const bytes = Uint8Array.from(atob(source.slice(source.indexOf(",") + 1)), (c) => c.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], { type: source.slice(5, source.indexOf(";")) }));
  }
  // A canvas as large as the picture that it shows.
  function onto(canvas, bitmap) {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  }
  const listed = (body, name) => (Array.isArray(body) ? body : body?.[name] ?? []);

  // A function of one thing at a time: while one is being shown, only the newest of those that arrive is kept.
  function newest(show) {
    let next = null, busy = false;
    return async (item) => {
      next = item;
      if (busy) return;
      busy = true;
      try {
        while (next) { const now = next; next = null; await show(now); }
      } finally { busy = false; }
    };
  }

  // The same, but what is shown may be slow to begin: after `patience` ms the newest goes beside the one before it.
  function overtaking(show, patience) {
    let next = null, busy = 0, timer = 0;
    async function go() {
      clearTimeout(timer);
      timer = 0;
      busy++;
      try {
        while (next) { const now = next; next = null; await show(now); }
      } finally { busy--; }
    }
    return (item) => {
      next = item;
      if (!busy) return go();
      if (busy < 2) timer ||= setTimeout(() => { timer = 0; if (next) go(); }, patience);
    };
  }

  // A cancelled job is over when its thread has let go; until then it may still save its picture.
  const over = (job) => ["done", "failed", "cancelled"].includes(job.state) && !job.stopping;

  return { on, emit, state, t, has, speak, language: () => language, remember, remembered, el, icon, icons, put, url, api,
    post, posted, posedBy, upload, file, blob, decode, onto, listed, newest, overtaking, over, mounts: {} };
})();
