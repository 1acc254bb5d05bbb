// Add-ons: chips of the LoRAs that are here, and the picture that a ControlNet follows, as it will be seen.
(() => {
  const { el, icon, t, on, api, put, posted, upload, blob, complain, newest } = aigc;
  const CROSS = "M4 4l8 8M12 4l-8 8";
  const WEIGHT = 0.8;  // what most LoRAs are tried with first

  let picture = "", drawn = "", gone = false, busy = false, look = {}, render = () => {}, see = () => {};

  function set(id, missing = false) {
    picture = id;
    gone = missing;
    put("control-image", id);
    render();
    see();
  }
  async function bring(file) {
    busy = true;
    render();
    try { set((await upload(file)).id); } catch (error) { complain(error.message); }
    busy = false;
    render();
  }
  // Lines by hand, white on black as ControlNets for scribbles learned them; those drawn last are gone on with.
  async function draw() {
    const kept = picture && picture === drawn ? await blob(`inputs/${encodeURIComponent(drawn)}.png`) : null;
    const lines = await aigc.drawLines(kept);
    if (lines === kept) return;
    if (!lines) return set("");
    await bring(lines);
    drawn = picture;
    aigc.settings({ control_type: "plain" });
  }
  // What a recipe followed, as far as the studio still has it.
  on("settings", async ({ control_image: id }) => {
    if (id === undefined || id === picture) return;
    const found = id && await blob(`inputs/${encodeURIComponent(id)}.png`, { cache: "no-cache" }).catch(() => null);
    set(found ? id : "", Boolean(id) && !found);
  });
  on("control", (values) => { look = values; render(); see(); });

  const field = () => document.querySelector("#loras textarea, #loras input");
  const parts = () => (field()?.value ?? "").split(",").map((part) => part.trim()).filter(Boolean);
  const named = (part) => part.split(":")[0].trim();
  function toggle(name) {
    const kept = parts().filter((part) => named(part) !== name);
    if (kept.length === parts().length) kept.push(`${name}:${WEIGHT}`);
    put("loras", kept.join(", "));
    render();
  }
  document.addEventListener("input", (event) => { if (event.target === field()) render(); });

  function chips(names) {
    const list = el("div", { class: "chips", role: "group" });
    const buttons = names.map((name) => el("button", { type: "button", onclick: () => toggle(name) }, name));
    list.append(...buttons);
    const show = () => {
      list.setAttribute("aria-label", t("addons.loras"));
      const used = new Set(parts().map(named));
      buttons.forEach((button, i) => {
        button.setAttribute("aria-pressed", used.has(names[i]));
        button.title = t(used.has(names[i]) ? "addons.drop" : "addons.insert", { name: names[i] });
      });
    };
    return { node: list, show };
  }

  function controlPicture() {
    const choose = el("input", { type: "file", accept: "image/*", id: "control-file" });
    const name = el("b"), how = el("span", { class: "help" }), alas = el("p", { class: "alas", role: "alert" });
    const drop = el("label", { class: "drop" }, choose, name, how);
    const image = el("img", { id: "control-seen", alt: "" }), heading = el("b");
    const remove = el("button", { type: "button", id: "control-remove", class: "small", onclick: () => { set(""); choose.focus(); } }, icon(CROSS));
    const redraw = el("button", { type: "button", id: "control-redraw", onclick: draw });
    const pen = el("button", { type: "button", id: "control-draw", onclick: draw });
    const bare = el("div", { class: "bare" }, drop, pen), hint = el("p", { class: "help" });
    const chosen = el("div", { class: "chosen" }, image, el("div", { class: "side" }, heading, redraw), remove);
    choose.addEventListener("change", () => {
      if (choose.files[0]) bring(choose.files[0]);
      choose.value = "";
    });
    let turn = 0;
    see = newest(async () => {
      const mine = ++turn, id = picture;
      if (!id) return;
      try {
        const answer = await fetch(aigc.url("addons/seen.png"), { credentials: "same-origin", ...posted({ control_image: id, ...look }) });
        if (!answer.ok || mine !== turn || id !== picture) return;
        const old = image.src;
        image.src = URL.createObjectURL(await answer.blob());
        if (old) URL.revokeObjectURL(old);
      } catch { complain(t("error.server")); }
    });
    const ask = see;
    see = () => ask({});
    const show = () => {
      bare.hidden = Boolean(picture);
      chosen.hidden = !picture;
      redraw.hidden = picture !== drawn;
      alas.hidden = !gone;
      pen.textContent = t("scribble.draw");
      redraw.textContent = t("scribble.edit");
      hint.textContent = t("control.hint");
      name.textContent = t("control.picture");
      how.textContent = t(busy ? "control.busy" : "control.how");
      heading.textContent = image.alt = t("control.seen");
      alas.textContent = t("control.gone");
      remove.title = t("control.remove");
      remove.setAttribute("aria-label", t("control.remove"));
    };
    return { node: el("div", { class: "control" }, bare, chosen, hint, alas), show };
  }

  aigc.mounts.addons = async (root) => {
    let here;
    try { here = await api("addons"); } catch (error) { complain(error.message); return; }
    const shown = [];
    if (here.loras.length) shown.push(chips(here.loras));
    if (here.controls.length) shown.push(controlPicture());
    root.replaceChildren(el("section", { id: "addons-panel" }, ...shown.map((part) => part.node)));
    render = () => shown.forEach((part) => part.show());
    on("language", () => render());
    on("settings", () => setTimeout(() => render(), 300));  // Gradio puts the value in its box a moment later
    render();
    see();
  };
})();
