// How far a picture still was from its end by step, and when it was nearly there.
import assert from "node:assert/strict";
import test from "node:test";
import { distances, settledAt } from "../../aigc_ui/static/settling_measure.js";

/** @param {number} level a grey picture of two pixels, opaque */
const grey = (level) => [level, level, level, 255, level, level, level, 255];

test("the distance is the mean difference from the last, whatever the opacity; before the first guess there is none", () => {
  assert.deepEqual(distances([grey(128), grey(0), grey(80), grey(90)]), [90, 90, 10, 0]);
  assert.deepEqual(distances([grey(0), [30, 0, 0, 0], [0, 0, 0, 255]].map((p) => p.slice(0, 4))), [10, 10, 0]);
});

test("a picture is decided from where on no more than the wanted share is left", () => {
  assert.equal(settledAt([100, 100, 60, 4, 0], 0.05), 3);
  assert.equal(settledAt([100, 100, 4, 6, 0], 0.05), 4);
  assert.equal(settledAt([7, 7, 7, 0], 0.05), 3);
});
