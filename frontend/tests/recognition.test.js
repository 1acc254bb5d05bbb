import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { recognised } from "../../aigc_ui/static/recognition.js";
import { translation } from "../../aigc_ui/static/translation.js";

const TABLE = JSON.parse(readFileSync(new URL("../../aigc_ui/locales/sentences/zh.json", import.meta.url), "utf8"));
const inWords = (text) => translation(recognised(text, TABLE), TABLE, () => "");

test("a note without blanks is one of the table's", () => {
  assert.equal(inWords("To save memory the picture is decoded in tiles."), "为节省内存，图片分块解码。");
});
test("a note's values are read off its text", () => {
  assert.equal(
    inWords("SanaPipeline painted 512 x 640, the size nearest to what was asked for."),
    "SanaPipeline 绘制了 512 x 640，这是最接近所要求的尺寸。",
  );
});
test("a blank that stands twice holds the same twice", () => {
  const note =
    "The schedule ends at sigma 3, below the 14.6 at which the model starts, so a first step at 14.6 was added: 9 steps in all.";
  assert.match(inWords(note), /^此调度止于 σ = 3，低于模型起始的 14\.6，因此在 14\.6 处补了第一步：共 9 步。$/);
  assert.equal(inWords(note.replace("14.6 was", "15 was")), note.replace("14.6 was", "15 was"));
});
test("a sentence within a note is translated too", () => {
  assert.equal(
    inWords("The picture was not enlarged: factor must be 2 or 4; got 3."),
    "图片未放大：factor 必须是 2 或 4；收到 3。",
  );
});
test("what is no sentence of the studio stays as it is", () => {
  for (const text of ["", "A fox. A hen.", "a.safetensors: what?", "{name}", "constructor", "x".repeat(5000)])
    assert.equal(inWords(text), text);
});
test("every template recognises itself, or one of the same words", () => {
  const words = (template) => template.replace(/\{\w+\}/g, "{}");
  for (const template of Object.keys(TABLE)) {
    if (words(template).replaceAll("{}", "").length < 12) continue;
    const text = template.replace(/\{(\w+)\}/g, (_, name) => `${name}${name.length}`);
    assert.equal(words(recognised(text, TABLE).template), words(template));
  }
});
test("a long text of many sentences costs little", () => {
  const text = "got must be at most ; got of ".repeat(20);
  const before = performance.now();
  recognised(text, TABLE);
  assert.ok(performance.now() - before < 500);
});
