// One thing at a time: the newest of those that wait goes next, the others are left out.
import assert from "node:assert/strict";
import test from "node:test";
import { newest } from "../../aigc_ui/static/turns.js";

test("of what arrives meanwhile only the newest is shown", async () => {
  const shown = [],
    waiting = [];
  const show = newest((item) => {
    shown.push(item);
    return new Promise((done) => {
      waiting.push(done);
    });
  });
  const first = show("a");
  show("b");
  show("c");
  assert.deepEqual(shown, ["a"]);
  waiting.shift()();
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(shown, ["a", "c"]);
  waiting.shift()();
  await first;
});

test("a failure does not hold up the next one", async () => {
  const shown = [];
  const show = newest(async (item) => {
    shown.push(item);
    if (item === "bad") throw new Error(item);
  });
  await assert.rejects(show("bad"));
  await show("good");
  assert.deepEqual(shown, ["bad", "good"]);
});
