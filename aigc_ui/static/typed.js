// Text put into a box as if somebody had typed it, so that the browser can undo it and Gradio hears of it.

/**
 * @param {HTMLTextAreaElement} field
 * @param {number} from
 * @param {number} to
 * @param {string} text
 */
export function replace(field, from, to, text) {
  const onScreen = matchMedia("(pointer: coarse)").matches; // the keyboard of a phone would cover what is looked at
  if (!onScreen) {
    field.focus();
    field.setSelectionRange(from, to);
    if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  }
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
