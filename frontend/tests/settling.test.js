// How much a picture changed by step, and when most of that was over.
import assert from "node:assert/strict";
import test from "node:test";
import { changes, settledAt } from "../../aigc_ui/static/settling_measure.js";

/** @param {number} level a grey picture of two pixels, opaque */
const grey = (level) => [level, level, level, 255, level, level, level, 255];

test("the change of a step is the mean difference from the one before, whatever the opacity", () => {
  assert.deepEqual(changes([grey(0), grey(100), grey(100), grey(90)]), [0, 100, 0, 10]);
  assert.deepEqual(
    changes([
      [0, 0, 0, 255],
      [30, 0, 0, 0],
    ]),
    [0, 10],
  );
});

test("a picture is decided where the wanted share of all change is done", () => {
  assert.equal(settledAt([0, 50, 45, 3, 2], 0.95), 2);
  assert.equal(settledAt([0, 50, 44, 4, 2], 0.95), 3);
  assert.equal(settledAt([0, 0, 7], 0.5), 2);
  assert.equal(settledAt([0, 0, 0], 0.95), 0);
});
