// The β schedule workbench: curves that follow the sliders, gauges of what is left, and a picture under the noise.
(() => {
  const { el, t, on, post, newest, decode, figure } = aigc;
  const KEPT = 3;                                       // schedules that stay for comparison
  const STARTING = [[0, 0.0001], [0.5, 0.005], [1, 0.02]];
  const COLOURS = ["--plot-2", "--plot-3", "--plot-4"];
  let drawn = STARTING;
  // The curve that was drawn last, for other benches.
  aigc.drawnSchedule = () => drawn.map((p) => [...p]);

  aigc.mounts["lab-schedule"] = (root) => {
    const plots = Object.fromEntries(["beta", "signal", "snr", "posterior"].map((id) => [id, aigc.plot(`plot-${id}`)]));
    const left = gauge("gauge-signal"), prior = gauge("gauge-prior");
    const keep = el("button", { type: "button", id: "schedule-keep" }), clear = el("button", { type: "button", class: "quiet" });
    const hint = el("p", { class: "help" });
    const strip = el("div", { class: "noise-strip" }), big = el("canvas", { id: "noised", role: "img" });
    const formula = el("p", { class: "formula", id: "forward-formula" }), space = el("p", { class: "help" });
    const range = el("input", { type: "range", id: "schedule-t", min: 0, max: 999, value: 500 });
    const stage = el("div", { class: "bench-main" },
      el("div", { class: "gauges" }, left.node, prior.node, keep, clear),
      el("div", { class: "noised" },
        el("div", {}, big, aigc.pictureChooser((id) => { image = id; return noise(); })),
        el("div", {}, formula, range, strip, space)),
      el("div", { class: "plots" }, ...Object.values(plots).map((p) => p.node)));
    let ghosts = [], answer = null, asked = null, image = "", chosen = 0.5;

    const bench = aigc.bench(root, {
      id: "bench-schedule", experiment: "schedule", stage,
      controls: ["beta_schedule", "num_train_timesteps", "beta_start", "beta_end", "offset", "zero_snr"],
      show: (next, values) => { answer = next; asked = values; draw(); return noise(); },
      shown: (values, parts) => {
        if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = STARTING.map((p) => [...p]);
        if (values.curve.length) drawn = values.curve;
        for (const name of ["beta_start", "beta_end"]) parts[name].node.hidden = values.beta_schedule === "drawn";
        parts.offset.node.hidden = values.beta_schedule !== "cosine";
      },
    });
    bench.side.after(hint);

    function gauge(id) {
      const value = el("b", { class: "figures" }), name = el("span"), node = el("div", { class: "gauge", id }, value, name);
      return { node, show: (number, text, bad) => { value.textContent = figure(number); name.textContent = text; node.classList.toggle("bad", bad); } };
    }
    const T = () => asked.num_train_timesteps;
    const step = () => Math.round(chosen * (T() - 1));

    function draw() {
      if (!answer) return;
      left.show(answer.signal_left, t("lab.signal_left"), answer.signal_left > answer.most_signal);
      prior.show(answer.prior_bits, t("lab.prior"), answer.prior_bits > answer.most_prior);
      hint.textContent = asked.beta_schedule === "drawn" ? t("lab.draw.help") : answer.too_much_left ? t("lab.too_much_left") : "";
      const x = { label: "t", low: 0, high: T() - 1 }, at = step(), own = nameOf(asked);
      // Schedules of other lengths are compared over the share of their steps.
      const line = (name, colour, text) => [
        { name: text ?? own, x: answer.t, y: answer.curves[name], colour },
        ...ghosts.map((g, i) => ({ name: text ? `${text} · ${g.name}` : g.name, ghost: true, colour: COLOURS[i], x: g.t.map((v) => v / (g.T - 1) * (T() - 1)), y: g.curves[name] })),
      ];
      plots.beta.draw({ title: t("lab.plot.beta"), x, y: { log: true }, at, series: line("beta", "--plot-1"), drag: dragging() });
      plots.signal.draw({ title: t("lab.plot.signal"), x, y: { low: 0, high: 1 }, at, series: [
        ...line("signal", "--plot-1", "√ᾱ"), { name: "√(1−ᾱ)", x: answer.t, y: answer.curves.noise, colour: "--plot-5" },
        { name: "ᾱ", x: answer.t, y: answer.curves.alphas_cumprod, colour: "--plot-1", dash: "5 4" }] });
      plots.snr.draw({ title: t("lab.plot.snr"), x, y: {}, at, series: line("log_snr", "--plot-1") });
      plots.posterior.draw({ title: t("lab.plot.posterior"), x, y: { log: true }, at, series: line("posterior_variance", "--plot-1") });
      keep.textContent = t("lab.keep");
      clear.textContent = t("lab.clear");
      clear.hidden = !ghosts.length;
      space.textContent = t("lab.space.pixels");
      range.setAttribute("aria-label", "t");
      big.setAttribute("aria-label", t("live.x"));
    }
    const nameOf = (values) => t(`choice.beta_schedule.${values.beta_schedule}`);

    function dragging() {
      if (asked.beta_schedule !== "drawn") return null;
      return aigc.handles({ points: () => bench.values().curve, put: (next) => bench.change("curve", next), wide: T() - 1, low: 1e-6, high: 0.999 });
    }

    // --- the picture ---
    const fetchNoise = newest(async (wanted) => {
      try {
        const made = await post("lab/noised", wanted);
        const [shown, ...small] = await Promise.all([...made.shown, ...made.strip].map(decode));
        paint(big, shown);
        strip.replaceChildren(...small.map((bitmap, i) => {
          const canvas = el("canvas", {}), button = el("button", { type: "button", onclick: () => go(made.steps[i] / (T() - 1)) },
            canvas, el("span", { class: "figures" }, String(made.steps[i])));
          button.setAttribute("aria-label", `t = ${made.steps[i]}`);
          paint(canvas, bitmap);
          return button;
        }));
        formula.replaceChildren(...written(made));
        big.dataset.t = made.t;
      } catch (error) { space.textContent = error.message; }
    });
    function paint(canvas, bitmap) {
      Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
    }
    function written({ t: now, signal, noise: spread, beta }) {
      return [`x`, el("sub", {}, String(now)), ` = ${signal.toFixed(4)} · x`, el("sub", {}, "0"), ` + ${spread.toFixed(4)} · ε,  β`, el("sub", {}, String(now)), ` = ${figure(beta)}`];
    }
    const noise = () => fetchNoise({ ...asked, t: step(), image });
    function go(share) {
      chosen = share;
      range.max = T() - 1;
      range.value = step();
      draw();
      noise();
    }
    range.addEventListener("input", () => go(+range.value / (T() - 1)));
    keep.addEventListener("click", () => {
      if (!answer) return;
      ghosts = [{ ...answer, T: T(), name: nameOf(asked) }, ...ghosts].slice(0, KEPT);
      draw();
    });
    clear.addEventListener("click", () => { ghosts = []; draw(); });
    on("language", draw);
  };
})();
