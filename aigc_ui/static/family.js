// What the benches of the families' room share: the families by name, a picture or strip of each, and waiting in turn.
(() => {
  const { el, t, on, api } = aigc;
  aigc.FAMILIES = ["gan", "vae", "vq", "flow", "diffusion", "flow-matching"];

  // The figures that were measured of the shipped models, asked for once.
  let scores = null;
  aigc.familyScores = () => (scores ??= api("lab/families").catch((error) => { scores = null; throw error; }));

  // A named canvas with figures below it.
  aigc.familyView = (id, name) => {
    const canvas = el("canvas", { id, role: "img" }), title = el("b"), told = el("span", { class: "figures" });
    const node = el("figure", { class: "family", "data-family": name }, el("figcaption", {}, title, told), canvas);
    const say = () => { title.textContent = t(`family.${name}`); canvas.setAttribute("aria-label", title.textContent); };
    on("language", say);
    say();
    return { node, canvas, tell: (text) => { told.textContent = text; }, paint: (bitmap) => aigc.onto(canvas, bitmap) };
  };
  // Below the control of the class, its name; of none in particular what `otherwise` says.
  aigc.nameClass = async ({ data, label }, { label: part }, otherwise = "") => {
    const { classes } = await aigc.familyScores().catch(() => ({ classes: {} }));
    const name = classes[data]?.[aigc.language()][label];
    if (part) part.node.querySelector(".help").textContent = name ?? otherwise;
  };
  const seconds = (value) => (value < 0.1 ? `${+(value * 1000).toPrecision(2)} ms` : `${value.toFixed(2)} s`);
  Object.assign(aigc, { seconds });
})();
