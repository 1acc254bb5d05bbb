// A word that the model knows is found by any of its names, in any language, and by its kind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped, nameIn, written } from "../../aigc_ui/static/known_search.js";

const word = { say: {}, picture: null, colour: "", sign: "" };
const cat = { ...word, kind: "animal", names: { en: ["cat", "kitten"], zh: ["猫", "小猫"] } };
const car = { ...word, kind: "vehicle", names: { en: ["car", "red car"], zh: ["汽车"] } };
const red = { ...word, kind: "colour", names: { en: ["red"], zh: ["红色"] }, say: { zh: "红色的" } };
const kinds = {
  animal: { names: { en: "animals", zh: "动物" } },
  vehicle: { names: { en: "vehicles", zh: "交通工具" } },
  colour: { names: { en: "colours", zh: "颜色" } },
};
/** @param {string} text */
const found = (text) => grouped({ kinds, words: [cat, car, red] }, text).map(([, words]) => words);

test("nothing that is looked for finds all", () => assert.deepEqual(found(" "), [[cat], [car], [red]]));
test("other names and other languages find it", () => {
  assert.deepEqual(found("KITT"), [[cat]]);
  assert.deepEqual(found("猫"), [[cat]]);
  assert.deepEqual(found("sunset"), []);
});
test("the kind finds all its words", () => {
  assert.deepEqual(found("vehicles"), [[car]]);
  assert.deepEqual(found("动物"), [[cat]]);
});
test("the very word comes first", () => assert.deepEqual(found("red"), [[red], [car]]));
test("it is named in the page's language, else in English", () => {
  assert.equal(nameIn(cat, "zh"), "猫");
  assert.equal(nameIn(cat, "fr"), "cat");
  assert.equal(written(red, "zh"), "红色的");
  assert.equal(written(red, "en"), "red");
});
