// Points in the plane: into noise and back with the exact denoiser, the field that pulls them, and one of them followed.
(() => {
  const { el, t, on, post, figure, colour } = aigc;
  const REACH = 3, ARROWS = 15, MOVE = 120;
  const CLASSES = 8;                                    // colours; classes beyond them begin again

  aigc.mounts["lab-points"] = (root) => {
    const canvas = el("canvas", { id: "plane", role: "img" });
    const { play, range } = aigc.player({ play: "plane-play", range: "plane-step" }, {
      show: (place) => go(way === "back" ? answer.back.length - 1 - place : place),
      pause: (last) => Math.max(30, Math.min(MOVE, 3000 / last)),
    });
    const where = el("output", { class: "figures", id: "plane-where" });
    const ways = ["forward", "back"].map((way) => el("button", { type: "button", "data-way": way, onclick: () => turn(way) }));
    const arrows = el("input", { type: "checkbox", id: "plane-arrows" }), arrowsName = el("span");
    const table = el("table", { class: "plain", id: "plane-quality" }), hint = el("p", { class: "help" });
    const sketching = el("button", { type: "button", id: "plane-draw" });
    const orders = aigc.plot("plot-orders"), orderNote = el("p", { class: "help" });
    const learn = aigc.training();
    const stage = el("div", { class: "bench-main" },
      el("div", { class: "plane-line" }, el("div", { class: "either" }, ...ways), play, range, where),
      el("div", { class: "plane-row" }, canvas, el("div", { class: "plane-side" },
        el("label", { class: "control flag" }, arrows, arrowsName), table, hint, sketching)),
      learn.node, orders.node, orderNote);
    let exact = null, answer = null, way = "back", step = 0, followed = null, strokes = null;

    const bench = aigc.bench(root, {
      id: "bench-points", experiment: "points", stage,
      controls: ["data", "beta_schedule", "num_train_timesteps", "zero_snr", "sampler", "num_inference_steps", "sigma_schedule", "eta", "label", "guidance_scale", "count", "seed"],
      show: (next, values) => { exact = next; learn.forget(values); see(next); },
      shown: (values) => { if (values.data === "drawn" && values.strokes.length < 2) begin(); },
    });

    // What is shown: the exact denoiser's answer, or what a network has learned so far.
    function see(next) {
      answer = next;
      range.max = answer.back.length - 1;
      go(Math.min(step, answer.back.length - 1));
      quality();
    }
    learn.on({ values: () => bench.values(), snapshot: (values) => see(values ?? exact) });

    // Step 0 is the data's end, the last one the noise.
    function go(next) {
      step = next;
      range.value = way === "back" ? answer.back.length - 1 - step : step;
      const sigma = answer.sigmas[step];
      where.textContent = `σ ${figure(sigma)}`;
      paint();
    }
    function turn(next) {
      way = next;
      ways.forEach((b) => b.setAttribute("aria-pressed", b.dataset.way === way));
      if (answer) go(way === "back" ? answer.back.length - 1 : 0);
    }
    arrows.addEventListener("change", paint);

    // --- the plane ---
    let zoom = 1;
    const px = (v) => (v + REACH) / (2 * REACH) * canvas.width, py = (v) => (REACH - v) / (2 * REACH) * canvas.height;
    function paint() {
      const side = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
      if (!side) return;
      if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
      zoom = side / 520;
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, side, side);
      if (strokes) return sketch(pen);
      if (!answer) return;
      const paths = answer[way];
      if (arrows.checked && step > 0) field(pen, answer.field[step - 1]);
      const dot = 2.6 * zoom;
      paths[step].forEach(([x, y], i) => {
        pen.fillStyle = way === "forward" || answer.classes.length < 2 ? shade(answer.labels[i]) : colour("--ink");
        pen.globalAlpha = followed == null ? 0.75 : 0.25;
        pen.beginPath(); pen.arc(px(x), py(y), dot, 0, 7); pen.fill();
      });
      pen.globalAlpha = 1;
      if (followed != null && followed < paths[step].length) trail(pen, paths);
    }
    const shade = (label) => colour(`--class-${(label % CLASSES) + 1}`);
    function field(pen, vectors) {
      pen.strokeStyle = colour("--muted");
      pen.lineWidth = 1.1 * zoom;
      vectors.forEach(([dx, dy], i) => {
        const x = -REACH + 2 * REACH * Math.floor(i / ARROWS) / (ARROWS - 1), y = -REACH + 2 * REACH * (i % ARROWS) / (ARROWS - 1);
        const long = Math.hypot(dx, dy), length = Math.min(1, long / 3) * 0.34 / (long || 1);
        const ex = x + dx * length, ey = y + dy * length, turn = Math.atan2(-(dy), dx);
        pen.beginPath(); pen.moveTo(px(x), py(y)); pen.lineTo(px(ex), py(ey));
        for (const side of [2.6, -2.6]) { pen.moveTo(px(ex), py(ey)); pen.lineTo(px(ex) + 5 * zoom * Math.cos(turn + side), py(ey) + 5 * zoom * Math.sin(turn + side)); }
        pen.stroke();
      });
    }
    function trail(pen, paths) {
      pen.strokeStyle = pen.fillStyle = colour("--accent");
      pen.lineWidth = 2 * zoom;
      pen.beginPath();
      paths.forEach((state, k) => { const [x, y] = state[followed]; if (k) pen.lineTo(px(x), py(y)); else pen.moveTo(px(x), py(y)); });
      pen.stroke();
      paths.forEach((state) => { const [x, y] = state[followed]; pen.beginPath(); pen.arc(px(x), py(y), 2.4 * zoom, 0, 7); pen.fill(); });
      const [x, y] = paths[step][followed];
      pen.beginPath(); pen.arc(px(x), py(y), 6 * zoom, 0, 7); pen.fill();
      if (step > 0) posterior(pen, paths);
    }
    // Where the forward process was one step before, given both ends: q(x_{t-1} | x_t, x_0), one deviation wide.
    function posterior(pen, paths) {
      const now = answer.sigmas[step], before = answer.sigmas[step - 1], ratio = before ** 2 / now ** 2;
      const vp = (s) => 1 / Math.sqrt(1 + s * s), [x, y] = paths[step][followed], [a, b] = paths[0][followed];
      const mean = [x, y].map((v, k) => vp(before) * (ratio * v / vp(now) + (1 - ratio) * [a, b][k]));
      const spread = vp(before) * before * Math.sqrt(1 - ratio);
      pen.setLineDash([4 * zoom, 4 * zoom]);
      pen.beginPath(); pen.arc(px(mean[0]), py(mean[1]), spread / (2 * REACH) * canvas.width, 0, 7); pen.stroke();
      pen.setLineDash([]);
    }
    canvas.addEventListener("click", (event) => {
      if (strokes || !answer) return;
      const box = canvas.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * 2 * REACH - REACH, y = REACH - (event.clientY - box.top) / box.height * 2 * REACH;
      const gaps = answer[way][step].map(([a, b]) => Math.hypot(a - x, b - y));
      const nearest = gaps.indexOf(Math.min(...gaps));
      followed = gaps[nearest] < 0.25 && nearest !== followed ? nearest : null;
      say();
      paint();
    });

    // --- a distribution of one's own ---
    function begin() { strokes = []; say(); paint(); }
    function sketch(pen) {
      pen.fillStyle = colour("--accent");
      strokes.forEach(([x, y]) => { pen.beginPath(); pen.arc(px(x), py(y), 3 * zoom, 0, 7); pen.fill(); });
    }
    canvas.addEventListener("pointermove", (event) => {
      if (!strokes || !event.buttons || strokes.length >= 1500) return;
      const box = canvas.getBoundingClientRect();
      strokes.push([(event.clientX - box.left) / box.width * 2 * REACH - REACH, REACH - (event.clientY - box.top) / box.height * 2 * REACH]);
      paint();
    });
    canvas.addEventListener("pointerup", () => {
      if (!strokes || strokes.length < 2) return;
      const drawn = strokes;
      strokes = null;
      say();
      bench.set({ data: "drawn", strokes: drawn, label: -1 });
    });
    sketching.addEventListener("click", () => (strokes ? (strokes = null, say(), paint()) : begin()));

    // --- words and figures ---
    function quality() {
      const row = (name, own, real) => el("tr", {}, el("th", {}, name), el("td", {}, figure(own)), el("td", {}, figure(real)));
      table.replaceChildren(
        el("tr", {}, el("th"), el("th", {}, t("lab.samples")), el("th", {}, t("lab.data"))),
        row(t("lab.nll"), answer.nll, answer.nll_of_data), row(t("lab.distance"), answer.distance, answer.distance_of_data));
    }
    function say() {
      ways.forEach((b) => { b.textContent = t(`lab.way.${b.dataset.way}`); });
      arrowsName.textContent = t("lab.arrows");
      hint.textContent = strokes ? t("lab.sketch.help") : followed == null ? t("lab.follow.help") : t("lab.posterior.help");
      sketching.textContent = t(strokes ? "lab.sketch.leave" : "lab.sketch");
      canvas.setAttribute("aria-label", t("tab.points"));
      if (answer) quality();
    }
    const PAINTS = ["--plot-1", "--plot-2", "--plot-3", "--plot-4", "--plot-5"];
    let measured = null;
    async function order() {
      measured ??= await post("lab/orders", {}).catch(() => null);
      if (!measured) return;
      orders.draw({ title: t("lab.orders"), x: { label: t("field.num_inference_steps"), log: true }, y: { log: true },
        series: Object.entries(measured.errors).map(([name, y], i) => ({ name: `${t(`choice.sampler.${name}`)} (${measured.orders[name]})`, x: measured.steps, y, colour: PAINTS[i], kind: "dots" })) });
      orderNote.textContent = t("lab.orders.help");
    }
    new ResizeObserver(() => { paint(); order(); }).observe(canvas);
    new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
    on("language", () => { say(); order(); });
    turn("back");
    say();
  };
})();
