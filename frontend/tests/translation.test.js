import assert from "node:assert/strict";
import { test } from "node:test";
import { translation } from "../../aigc_ui/static/translation.js";

const TABLE = {
  "{name} must be {low} to {high}.": "{name} 必须在 {low} 到 {high} 之间。",
  "line {number}: {why}": "第 {number} 行：{why}",
  "Send {x}.": "请发送 {x}。",
};
const nameOf = (field) => (field === "steps" ? "“步数”" : "");
const bounds = {
  message: "steps must be 1 to 9.",
  template: "{name} must be {low} to {high}.",
  values: { name: "steps", low: "1", high: "9" },
};
const inWords = (given) => translation(given, TABLE, nameOf);

test("a sentence is translated by its template, and settings have their names on the page", () => {
  assert.equal(inWords(bounds), "“步数” 必须在 1 到 9 之间。");
});
test("a sentence within another one is translated too", () => {
  const outer = {
    message: "line 2: steps ...",
    template: "line {number}: {why}",
    values: { number: "2", why: bounds },
  };
  assert.equal(inWords(outer), "第 2 行：“步数” 必须在 1 到 9 之间。");
});
test("what the table lacks stays English, also inside", () => {
  const alien = { message: "Who knows?", template: "Who knows?", values: {} };
  assert.equal(inWords(alien), "Who knows?");
  assert.equal(
    inWords({ message: "", template: "line {number}: {why}", values: { number: "1", why: alien } }),
    "第 1 行：Who knows?",
  );
  assert.equal(inWords({ ...alien, template: "constructor" }), "Who knows?");
});
test("an older studio's error has its message only", () => {
  assert.equal(inWords({ message: "It failed." }), "It failed.");
});
test("braces in a value, or without values, are only braces", () => {
  const given = { message: "", template: "Send {x}.", values: { x: "{x} $& {low}" } };
  assert.equal(inWords(given), "请发送 {x} $& {low}。");
  assert.equal(inWords({ message: "", template: "Send {x}.", values: {} }), "请发送 {x}。");
  assert.equal(inWords({ message: "", template: "Send {x}.", values: { y: "1" } }), "请发送 {x}。");
});
