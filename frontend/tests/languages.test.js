// Languages of the page: which one a browser is given, and what the button changes to.
import assert from "node:assert/strict";
import test from "node:test";
import { following, nearest } from "../../aigc_ui/static/languages.js";

const LANGUAGES = ["de", "en", "zh", "zh-TW"];

test("a browser is given the language that its own is a kind of", () => {
  const given = { "zh-CN": "zh", "zh-Hans-CN": "zh", "zh-tw": "zh-TW", ZH: "zh", "de-AT": "de", "en-GB": "en" };
  for (const [wanted, language] of Object.entries(given)) assert.equal(nearest(wanted, LANGUAGES), language, wanted);
});

test("who asks for another, or for nothing, is given English", () => {
  for (const wanted of ["fr-FR", "", "dev", "zhong"]) assert.equal(nearest(wanted, LANGUAGES), "en", wanted);
});

test("the button goes through all languages and round again", () => {
  assert.equal(following("en", ["en", "zh"]), "zh");
  assert.equal(following("zh", ["en", "zh"]), "en");
  assert.deepEqual(
    LANGUAGES.map((language) => following(language, LANGUAGES)),
    ["en", "zh", "zh-TW", "de"],
  );
});
