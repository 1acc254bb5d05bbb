// Gradio opens a list of choices when its box gets the focus or any key, Tab too, and nothing closes it once the keyboard
// has gone on: it is closed here, by the Escape that it heeds.

document.addEventListener("focusout", ({ target: box, relatedTarget: next }) => {
  if (!(box instanceof HTMLElement) || !box.matches('input[role="combobox"]') || !next) return;
  setTimeout(() => {
    if (box.getAttribute("aria-expanded") === "true" && document.activeElement !== box)
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  });
});
