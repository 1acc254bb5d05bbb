// Weights of words: which words, and what the prompt becomes.
import assert from "node:assert/strict";
import test from "node:test";
import { weighed, wordsAt } from "../../aigc_ui/static/prompt_weights.js";

// The prompt after an edit; "|" stands at the cursor, "[" and "]" around a selection.
function after(marked, change) {
  const start = Math.max(marked.indexOf("["), marked.indexOf("|"));
  const end = marked.includes("]") ? marked.indexOf("]") - 1 : start;
  const text = marked.replace(/[[\]|]/g, "");
  const edit = weighed(text, start, end, change);
  return edit && text.slice(0, edit.from) + edit.text + text.slice(edit.to);
}

test("the word under the cursor gets a weight, and loses it at 1", () => {
  assert.equal(after("a r|ed fox", 0.1), "a (red:1.1) fox");
  assert.equal(after("a (r|ed:1.1) fox", -0.1), "a red fox");
  assert.equal(after("a (r|ed:1.1) fox", 0.1), "a (red:1.2) fox");
  assert.equal(after("三只小|狐狸", -0.1), "(三只小狐狸:0.9)");
});

test("a selection is weighed as a whole, without the blanks at its ends", () => {
  assert.equal(after("a[ red fox ]runs", 0.1), "a (red fox:1.1) runs");
});

test("a bracket without a number counts as 1.1", () => {
  assert.equal(after("a (red f|ox)", 0.1), "a (red fox:1.2)");
  assert.equal(after("a (red f|ox)", -0.1), "a red fox");
});

test("weights of two digits stay exact, and may be negative", () => {
  assert.equal(after("(r|ed:0.15)", 0.1), "(red:0.25)");
  assert.equal(after("(r|ed:-0.1)", -0.1), "(red:-0.2)");
});

test("nothing is weighed where there is no word", () => {
  assert.equal(after("a , | b", 0.1), null);
});

test("the words stay selected", () => {
  const text = "a red fox",
    edit = weighed(text, 3, 3, 0.1);
  const made = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  assert.equal(made.slice(edit.at, edit.at + edit.length), "red");
  assert.deepEqual(wordsAt("a red fox", 3, 3), [2, 5]);
});
