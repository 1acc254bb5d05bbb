// What all benches of the lab share: controls made from an experiment's fields, and answers that follow while dragging.
(() => {
  const { el, t, has, on, api, newest, overtaking, posedBy } = aigc;
  const LARGE = 1e5;                                    // a range with more numbers than this is typed, not slid
  const LOGARITHMIC = ["beta_start", "beta_end"];
  const SMALLEST = 1e-5;
  const PATIENCE = 400;                                 // ms, before a newer question goes beside one without an answer

  let known = null;
  // Of the experiments, and of the generators whose benches start jobs.
  const experiments = () => (known ??= Promise.all([api("lab"), api("generators")]).then(([{ experiments: asked }, { generators }]) =>
    Object.fromEntries([...asked, ...generators].map(({ name, fields }) => [name, Object.fromEntries(fields.map((f) => [f.name, f]))])))
    .catch((error) => { known = null; throw error; }));

  // The lab's own words for a field, else those of the Create page; a bench may have an explanation of its own.
  const own = (name) => (has(`lab.field.${name}`) ? "lab." : "");
  const label = (name) => (has(`${own(name)}field.${name}`) ? t(`${own(name)}field.${name}`) : name);
  function help(name, experiment) {
    const key = [`lab.${experiment}.info.${name}`, `${own(name)}info.${name}`].find(has);
    return key ? t(key) : "";
  }
  const choice = (name, option) => (has(`choice.${name}.${option}`) ? t(`choice.${name}.${option}`) : option);

  // One control; `set` shows a value, `changed(value)` is called as it is moved.
  function control(field, experiment, changed) {
    const name = el("span", { class: "name" }), info = el("span", { class: "help" });
    const say = () => { name.textContent = label(field.name); info.textContent = help(field.name, experiment); };
    const [parts, set, speak] = (field.options ? chooser : field.flag ? flag : field.max_length ? words : slider)(field, changed);
    const node = el("label", { class: `control ${field.flag ? "flag" : ""}`, "data-field": field.name }, name, ...parts, info);
    return { node, set, say: () => { say(); speak?.(); } };
  }
  function chooser(field, changed) {
    const select = el("select", { onchange: () => changed(select.value) });
    const speak = () => {
      const value = select.value;
      select.replaceChildren(...field.options.map((o) => el("option", { value: o }, choice(field.name, o))));
      if (value) select.value = value;
    };
    speak();
    return [[select], (value) => { select.value = value; }, speak];
  }
  function words(field, changed) {
    const box = el("textarea", { rows: 2, maxlength: field.max_length, oninput: () => changed(box.value) });
    return [[box], (value) => { box.value = value; }];
  }
  function flag(field, changed) {
    const box = el("input", { type: "checkbox", onchange: () => changed(box.checked) });
    return [[box], (value) => { box.checked = value; }];
  }
  function slider(field, changed) {
    const whole = field.type === "int", log = LOGARITHMIC.includes(field.name);
    const step = field.step ?? (whole ? 1 : (field.high - field.low) / 200);
    const typed = el("input", { type: "number", min: field.low, max: field.high, step: whole ? step : "any" });
    const range = el("input", { type: "range", tabindex: -1, "aria-hidden": "true",
      ...(log ? { min: 0, max: 200, step: 1 } : { min: field.low, max: field.high, step }) });
    const toRange = (v) => (log ? (v ? 1 + 199 * Math.log(v / SMALLEST) / Math.log(field.high / SMALLEST) : 0) : v);
    const fromRange = (p) => (log ? (p ? +(SMALLEST * (field.high / SMALLEST) ** ((p - 1) / 199)).toPrecision(3) : 0) : p);
    range.addEventListener("input", () => { const v = fromRange(+range.value); typed.value = v; changed(v); });
    typed.addEventListener("input", () => {
      if (typed.value === "" || !Number.isFinite(+typed.value)) return;
      range.value = toRange(+typed.value);
      changed(+typed.value);
    });
    const set = (value) => { typed.value = value; range.value = toRange(value); };
    return [whole && field.high - field.low > LARGE ? [typed] : [range, typed], set];
  }

  // --- benches that are open, and states that wait for theirs: a closed tab has no bench yet ---
  const open = {}, waiting = {};
  // On a phone, tabs that do not fit are buttons in the menu of their row.
  const tab = (row, key) => [...document.querySelectorAll(`#${row} :is([role="tab"], .overflow-menu button, .overflow-dropdown button)`)]
    .find((button) => button.textContent.trim() === t(key));
  const seen = (bench) => Boolean(bench?.node.isConnected && bench.node.offsetParent);
  const ROOMS = {
    lab: { row: "benches", benches: ["schedule", "reverse", "points", "digits", "bound"] },
    families: { row: "family-benches", benches: ["family-race", "latents", "round-trip", "family-training", "family-own"] },
  };
  // In which room a bench stands; undefined for none of ours.
  aigc.roomOf = (name) => Object.keys(ROOMS).find((room) => ROOMS[room].benches.includes(name));
  aigc.openRoom = (room) => tab("tabs", `tab.${room}`)?.click();
  aigc.openBench = async (name, state) => {
    const room = aigc.roomOf(name);
    waiting[name] = state;
    aigc.openRoom(room);
    for (let tries = 0; waiting[name] === state && tries < 100; tries++) {
      if (!seen(open[name])) tab(ROOMS[room].row, `tab.${name}`)?.click();
      else take(name);
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  function take(name) {
    const state = waiting[name];
    delete waiting[name];
    if (state) open[name].show(state);
  }
  aigc.openedBench = () => Object.values(open).find(seen);
  aigc.showControls = () => Object.values(open).forEach((bench) => bench.hide([]));

  // A whole number out of a stranger's file, held between two others.
  aigc.whole = (value, low, high, otherwise) => (Number.isFinite(value) ? Math.min(high, Math.max(low, Math.round(value))) : otherwise);

  // A bench: controls on the left, what `show(answer, values)` draws on the right. `shown(values, parts)` is called before
  // every question, `moved(name, values)` only where one control is moved by hand. `look` is what is chosen besides the
  // values, such as the step that is looked at: `read()` gives it as an object for a link or a file, `take(look, values)`
  // brings it back from one, whatever a stranger wrote into it, right before `show`. `request(values)` stands in for the
  // one question to the experiment, where a bench asks otherwise. Returns the bench's handle.
  aigc.bench = (root, { id, experiment, controls, stage, show, shown, moved, look, request }) => {
    const list = el("div", { class: "controls" }), message = el("p", { class: "alas", role: "alert", hidden: true });
    const node = el("section", { class: "bench", id }, el("div", { class: "bench-side" }, list, message), stage);
    root.replaceChildren(node);
    const pose = posedBy(experiment), posed = request ?? ((asked) => pose(`lab/${experiment}`, asked));
    let fields = {}, values = {}, parts = {}, wanted = null, busy = 0, count = 0, latest = 0, again = 0;
    let shows = Promise.resolve();                      // one is drawn after the other

    async function answer({ asked, seen }) {
      const number = ++count;
      node.setAttribute("aria-busy", "true");
      busy++;
      try {
        const told = await posed(asked);
        if (number < latest) return;                    // a newer question was answered first
        latest = number;
        await (shows = shows.catch(() => {}).then(() => {
          message.hidden = true;
          if (seen) look?.take(seen, asked);
          if (seen === wanted) wanted = null;
          return show(told, asked);
        }));
      } catch (error) {
        if (number < latest || error.code === "superseded") return;
        message.textContent = error.message;
        message.hidden = false;
        if (error.again) again = setTimeout(refresh, error.again * 1000);
      } finally { if (!--busy) node.removeAttribute("aria-busy"); }
    }
    // Who asks in a way of their own may start jobs: one at a time. The studio's own questions may overtake each other.
    const ask = request ? newest(answer) : overtaking(answer, PATIENCE);
    function refresh() {
      clearTimeout(again);
      shown?.(values, parts);
      return ask({ asked: { ...values }, seen: wanted });
    }
    function change(name, value, quiet) {
      values[name] = value;
      moved?.(name, values);
      if (!quiet) parts[name]?.set(value);
      refresh();
    }
    function set(next) {
      Object.assign(values, next);
      for (const [name, value] of Object.entries(next)) parts[name]?.set(value);
      return refresh();
    }
    async function begin() {
      try { fields = (await experiments())[experiment]; } catch (error) {
        message.textContent = error.message;
        message.hidden = false;
        setTimeout(begin, 3000);
        return;
      }
      message.hidden = true;
      values = Object.fromEntries(Object.values(fields).map((f) => [f.name, f.default]));
      for (const name of controls) {
        parts[name] = control(fields[name], experiment, (value) => change(name, value, true));
        parts[name].set(values[name]);
        parts[name].say();
        list.append(parts[name].node);
      }
      open[experiment] = handle;
      if (waiting[experiment]) take(experiment); else refresh();
    }
    // Which controls a lesson hides; those that a bench hides by itself stay so.
    function hide(names) {
      for (const [name, part] of Object.entries(parts)) part.node.classList.toggle("put-away", names.includes(name));
    }
    function restore(state) {
      const kept = Object.fromEntries(Object.entries(state.values).filter(([name]) => name in fields));
      values = Object.fromEntries(Object.values(fields).map((f) => [f.name, f.default]));
      hide(state.hide);
      wanted = state.look ?? null;
      return set({ ...values, ...kept });
    }
    on("language", () => { Object.values(parts).forEach((part) => part.say()); if (Object.keys(values).length) refresh(); });
    const handle = { name: experiment, node, values: () => values, look: () => wanted ?? look?.read() ?? {}, fields: () => fields, set, change, side: list, hide, show: restore, shown: () => controls };
    begin();
    return handle;
  };
})();
