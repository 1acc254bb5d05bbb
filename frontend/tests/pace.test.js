// Seconds left, from frames as they come.
import assert from "node:assert/strict";
import test from "node:test";
import { pace } from "../../aigc_ui/static/pace.js";

// What is said after each of these frames, [index, milliseconds].
function told(frames, total) {
  let now = 0;
  const left = pace(() => now);
  return frames.map(([index, at]) => {
    now = at;
    return left({ index, total });
  });
}

test("after three gaps it is the steps to come times a step", () => {
  assert.deepEqual(
    told(
      [
        [1, 0],
        [2, 500],
        [3, 1000],
        [4, 1500],
        [5, 2000],
      ],
      20,
    ),
    [null, null, null, 8, 7.5],
  );
});

test("at the last step nothing is left", () => {
  assert.equal(
    told(
      [
        [1, 0],
        [2, 100],
        [3, 200],
        [4, 300],
        [5, 400],
      ],
      5,
    ).at(-1),
    0,
  );
});

test("a step that was left out counts as its share of the time", () => {
  assert.equal(
    told(
      [
        [0, 0],
        [2, 400],
        [4, 800],
        [6, 1200],
      ],
      10,
    ).at(-1),
    0.8,
  );
});

test("one slow step does not change it, a lasting change does", () => {
  const steady = Array.from({ length: 8 }, (_, i) => [i, i * 100]);
  assert.equal(told([...steady, [8, 9000]], 18).at(-1), 1);
  const slower = Array.from({ length: 5 }, (_, i) => [8 + i, 700 + 1000 * (i + 1)]);
  assert.equal(told([...steady, ...slower], 22).at(-1), 10);
});

test("steps that are replayed in a burst are forgotten after seven more", () => {
  const burst = Array.from({ length: 30 }, (_, i) => [i, 0]);
  const after = Array.from({ length: 8 }, (_, i) => [30 + i, 250 * (i + 1)]);
  assert.equal(told([...burst, ...after], 47).at(-1), 2.5);
});
