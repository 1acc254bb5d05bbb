// What went well or wrong, beside the button, and what the studio says about itself on top of the page.
(() => {
  const { el, t, on, emit } = aigc;
  let message = { kind: "", text: "" };
  aigc.say = (kind, text) => { message = { kind, text }; emit("message"); };
  aigc.complain = (text) => aigc.say("error", text);

  aigc.mounts.message = (root) => {
    const words = el("span"), close = el("button", { type: "button", class: "small", onclick: () => aigc.say("", "") }, "×");
    const box = el("div", { id: "message-box", hidden: true }, words, close);
    const keys = el("p", { class: "help keys" });
    root.replaceChildren(box, keys);
    const render = () => {
      box.hidden = !message.text;
      box.className = message.kind;
      box.setAttribute("role", message.kind === "error" ? "alert" : "status");
      words.textContent = message.text;
      close.setAttribute("aria-label", t("error.dismiss"));
      keys.textContent = t("keys", { key: /mac|iphone|ipad/i.test(navigator.platform) ? "⌘" : "Ctrl" });
    };
    on("message", render);
    on("language", render);
    render();
  };
  aigc.mounts.notice = (root) => {
    const box = el("p", { id: "notice-box", role: "status", hidden: true });
    root.replaceChildren(box);
    on("notice", (text) => { box.hidden = !text; box.textContent = text; });
  };
})();
