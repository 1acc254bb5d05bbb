// Words in a prompt stay under their marks whatever the text holds and however it changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, divided, inUnits, moved, replaced } from "../../aigc_ui/static/word_places.js";

/** @param {string} text @param {string} word */
const place = (text, word) => ({ start: text.indexOf(word), end: text.indexOf(word) + word.length });

test("places counted in characters become the browser's units", () => {
  const text = "🐱 and 🦀 sunset";
  const [cat, sunset] = inUnits(text, [
    { start: 0, end: 1 },
    { start: 8, end: 14 },
  ]);
  assert.equal(text.slice(cat.start, cat.end), "🐱");
  assert.equal(text.slice(sunset.start, sunset.end), "sunset");
});

test("a change moves what is behind it and drops what it touches", () => {
  const before = "sunset over mountains";
  const places = [place(before, "sunset"), place(before, "over"), place(before, "mountains")];
  for (const [after, left] of /** @type {[string, string[]][]} */ ([
    ["a sunset over mountains", ["sunset", "over", "mountains"]],
    ["sunset mountains", ["sunset", "mountains"]],
    ["sunset over the mountains", ["sunset", "over", "mountains"]],
    ["sunset ovber mountains", ["sunset", "mountains"]],
    ["sunset over mountains, cat", ["sunset", "over", "mountains"]],
    ["", []],
    [before, ["sunset", "over", "mountains"]],
  ])) {
    const now = moved(places, before, after);
    assert.deepEqual(
      now.map(({ start, end }) => after.slice(start, end)),
      left,
    );
  }
});

test("the pieces of a text are the text", () => {
  const text = "sunset over mountains";
  const pieces = divided(text, [place(text, "sunset"), place(text, "mountains")]);
  assert.equal(pieces.map(([piece]) => piece).join(""), text);
  assert.deepEqual(
    pieces.map(([piece, mark]) => mark && piece),
    ["sunset", null, "mountains"],
  );
});

test("a word is replaced wherever it stands, or left out with its blank", () => {
  /** @param {string} text @param {string} word @param {string} instead */
  const after = (text, word, instead) => {
    const places = [...text.matchAll(new RegExp(word, "g"))].map(({ index }) => ({
      start: index,
      end: index + word.length,
    }));
    const edit = replaced(text, places, instead);
    return text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  };
  assert.equal(after("kitty and kitty", "kitty", "cat"), "cat and cat");
  assert.equal(after("a black cat", "black", ""), "a cat");
  assert.equal(after("black cat", "black", ""), "cat");
  assert.equal(after("a cat sitting", "sitting", ""), "a cat");
  assert.equal(after("sitting", "sitting", ""), "");
  assert.equal(after("very very red star", "very", ""), "red star");
  assert.equal(after("a cat, sitting", "sitting", ""), "a cat,");
});

test("English words keep a blank from their neighbours, Chinese ones none", () => {
  assert.equal(between("", "cat", ""), "cat");
  assert.equal(between("a", "cat", ""), " cat");
  assert.equal(between("a ", "cat", " and"), "cat");
  assert.equal(between("a dog,", "cat", ""), " cat");
  assert.equal(between("(", "cat", ":1.2)"), "cat");
  assert.equal(between("a", "cat", "and"), " cat ");
  assert.equal(between("一只", "猫", "和狗"), "猫");
  assert.equal(between("", "，像素风格", ""), "像素风格");
  assert.equal(between("猫", "，像素风格", ""), "，像素风格");
});
