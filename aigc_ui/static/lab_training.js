// A small network learns the points of the plane: its loss, its error by t, and its samples in place of the exact ones.
(() => {
  const { el, t, on, post, api } = aigc;
  const FIELDS = ["training_steps", "learning_rate", "width"];

  aigc.training = () => {
    const start = el("button", { type: "button", id: "train-start" }), stop = el("button", { type: "button", id: "train-stop", hidden: true });
    const status = el("output", { class: "figures", id: "train-status", role: "status" });
    const whose = ["exact", "learned"].map((which) => el("button", { type: "button", "data-whose": which, onclick: () => see(which) }));
    const both = el("div", { class: "either", id: "train-whose", hidden: true }, ...whose);
    const title = el("h3"), settings = el("div", { class: "train-settings" }), message = el("p", { class: "alas", role: "alert", hidden: true });
    const loss = aigc.plot("plot-loss"), byT = aigc.plot("plot-error"), note = el("p", { class: "help" });
    const plots = el("div", { class: "plots", hidden: true }, loss.node, byT.node);
    const node = el("section", { class: "training" }, title, note, settings,
      el("div", { class: "plane-line" }, start, stop, both, status), message, plots);
    const chosen = { training_steps: 2000, learning_rate: 0.002, width: 128 };
    let hooks = null, job = null, source = null, losses = [], snapshot = null, shown = "exact", learnedFrom = null;

    const inputs = FIELDS.map((name) => {
      const label = el("span"), box = el("input", { type: "number", step: "any", value: chosen[name], "data-train": name, oninput: () => { chosen[name] = box.value === "" ? NaN : +box.value; } });
      settings.append(el("label", { class: "control" }, label, box));
      return () => { label.textContent = t(`train.field.${name}`); };
    });

    function see(which) {
      shown = which;
      whose.forEach((b) => b.setAttribute("aria-pressed", b.dataset.whose === which));
      hooks?.snapshot(which === "learned" ? snapshot : null);
    }
    async function begin() {
      message.hidden = true;
      const values = { ...hooks.values(), ...chosen };
      losses = [];
      snapshot = null;
      try {
        job = await post("jobs", { generator: "points-training", request: values });
      } catch (error) { return complain(error.message); }
      learnedFrom = fingerprint(values);
      start.hidden = true;
      stop.hidden = false;
      plots.hidden = false;
      listen(job.id);
    }
    function listen(id) {
      source?.close();
      source = new EventSource(aigc.url(`jobs/${id}/events`));
      const heard = (name, act) => source.addEventListener(name, (event) => { if (event.data) act(JSON.parse(event.data)); });
      heard("loss", ({ step, losses: values }) => { losses.push([step, values.loss]); draw(); });
      heard("progress", ({ done, total }) => { status.textContent = t("train.step", { done, total }); });
      heard("snapshot", ({ values }) => {
        snapshot = values;
        both.hidden = false;
        see("learned");
        draw();
      });
      heard("error", (error) => complain(error.message));
      heard("state", (state) => { if (aigc.over(state)) end(state); });
    }
    function end(state) {
      source.close();
      source = null;
      start.hidden = false;
      stop.hidden = true;
      status.textContent = state.state === "failed" ? "" : t(`state.${state.state}`);
    }
    function complain(text) { message.textContent = text; message.hidden = false; }
    start.addEventListener("click", begin);
    stop.addEventListener("click", () => api(`jobs/${job.id}`, { method: "DELETE" }).catch((error) => complain(error.message)));

    function draw() {
      if (plots.hidden) return;
      loss.draw({ title: t("train.loss"), x: { label: t("train.steps"), low: 0 }, y: { low: 0 },
        series: [{ name: t("train.loss"), x: losses.map(([step]) => step), y: losses.map(([, value]) => value), colour: "--plot-1" }] });
      if (!snapshot) return;
      const line = (name, colour, dash) => ({ name: t(`train.${name}`), x: snapshot.levels, y: snapshot[name], colour, dash });
      byT.draw({ title: t("train.by_t"), x: { label: "t" }, y: { log: true },
        series: [line("loss_by_t", "--plot-1"), line("least_by_t", "--plot-4", "5 4"), line("error_by_t", "--plot-2")] });
    }
    function say() {
      title.textContent = t("train.title");
      note.textContent = t("train.help");
      start.textContent = t("train.start");
      stop.textContent = t("stop");
      whose.forEach((b) => { b.textContent = t(`train.whose.${b.dataset.whose}`); });
      inputs.forEach((speak) => speak());
      draw();
    }
    on("language", say);
    say();

    // What was learned belongs to its data and schedule; it is shown no longer when these change.
    const fingerprint = ({ data, strokes, beta_schedule, num_train_timesteps, beta_start, beta_end, zero_snr }) =>
      JSON.stringify([data, strokes, beta_schedule, num_train_timesteps, beta_start, beta_end, zero_snr]);
    function forget(values) {
      if (shown === "exact" && !snapshot) return;
      const same = fingerprint(values) === learnedFrom;
      both.hidden = !same || !snapshot;
      shown = "exact";
      whose.forEach((b) => b.setAttribute("aria-pressed", b.dataset.whose === shown));
    }
    return { node, on: (next) => { hooks = next; }, forget };
  };
})();
