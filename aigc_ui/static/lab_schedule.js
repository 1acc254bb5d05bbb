// The β schedule workbench: curves that follow the sliders, gauges of what is left, and a picture under the noise.
(() => {
  const { el, t, on, post, newest, decode, figure } = aigc;
  const KEPT = 3;                                       // schedules that stay for comparison
  const STARTING = [[0, 0.0001], [0.5, 0.005], [1, 0.02]];
  const COLOURS = ["--plot-2", "--plot-3", "--plot-4"];

  aigc.mounts["lab-schedule"] = (root) => {
    const plots = Object.fromEntries(["beta", "signal", "snr", "posterior"].map((id) => [id, aigc.plot(`plot-${id}`)]));
    const left = gauge("gauge-signal"), prior = gauge("gauge-prior");
    const keep = el("button", { type: "button", id: "schedule-keep" }), clear = el("button", { type: "button", class: "quiet" });
    const hint = el("p", { class: "help" });
    const strip = el("div", { class: "noise-strip" }), big = el("canvas", { id: "noised", role: "img" });
    const formula = el("p", { class: "formula", id: "forward-formula" }), space = el("p", { class: "help" });
    const range = el("input", { type: "range", id: "schedule-t", min: 0, max: 999, value: 500 });
    const file = el("input", { type: "file", accept: "image/*", hidden: true });
    const choose = el("button", { type: "button", onclick: () => file.click() });
    const stage = el("div", { class: "bench-main" },
      el("div", { class: "gauges" }, left.node, prior.node, keep, clear),
      el("div", { class: "noised" },
        el("div", {}, big, el("div", { class: "buttons" }, choose, file)),
        el("div", {}, formula, range, strip, space)),
      el("div", { class: "plots" }, ...Object.values(plots).map((p) => p.node)));
    let ghosts = [], answer = null, asked = null, image = "", chosen = 0.5;

    const bench = aigc.bench(root, {
      id: "bench-schedule", experiment: "schedule", stage,
      controls: ["beta_schedule", "num_train_timesteps", "beta_start", "beta_end", "zero_snr"],
      show: (next, values) => { answer = next; asked = values; draw(); return noise(); },
      shown: (values, parts) => {
        if (values.beta_schedule === "drawn" && values.curve.length < 2) values.curve = STARTING.map((p) => [...p]);
        for (const name of ["beta_start", "beta_end"]) parts[name].node.hidden = values.beta_schedule === "drawn";
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
      choose.textContent = t("lab.picture");
      space.textContent = t("lab.space.pixels");
      range.setAttribute("aria-label", "t");
      big.setAttribute("aria-label", t("live.x"));
    }
    const nameOf = (values) => t(`choice.beta_schedule.${values.beta_schedule}`);

    // The curve is drawn by dragging its points; a click beside them adds one, a double click takes one away.
    function dragging() {
      if (asked.beta_schedule !== "drawn") return null;
      const points = asked.curve, wide = T() - 1;
      const put = (next) => bench.change("curve", next.map(([a, b]) => [a, b]));
      const held = (x, y) => [Math.min(1, Math.max(0, x / wide)), Math.min(0.999, Math.max(1e-6, y))];
      return {
        points: points.map(([a, b]) => [a * wide, b]),
        move: (i, x, y) => {
          const [a, b] = held(x, y), next = bench.values().curve.map((p) => [...p]);
          const low = i ? next[i - 1][0] + 0.005 : 0, high = i < next.length - 1 ? next[i + 1][0] - 0.005 : 1;
          next[i] = [Math.min(high, Math.max(low, a)), b];
          put(next);
          return i;
        },
        add: (x, y) => {
          const [a, b] = held(x, y), next = [...bench.values().curve.map((p) => [...p]), [a, b]].sort((p, q) => p[0] - q[0]);
          if (next.length > 24 || next.some((p, i) => i && p[0] - next[i - 1][0] < 0.005)) return null;
          put(next);
          return next.findIndex((p) => p[0] === a);
        },
        remove: (i) => { if (bench.values().curve.length > 2) put(bench.values().curve.filter((_, j) => j !== i)); },
      };
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
    file.addEventListener("change", async () => {
      if (!file.files[0]) return;
      try { image = (await aigc.upload(file.files[0])).id; await noise(); } catch (error) { space.textContent = error.message; }
      file.value = "";
    });
    keep.addEventListener("click", () => {
      if (!answer) return;
      ghosts = [{ ...answer, T: T(), name: nameOf(asked) }, ...ghosts].slice(0, KEPT);
      draw();
    });
    clear.addEventListener("click", () => { ghosts = []; draw(); });
    on("language", draw);
  };
})();
