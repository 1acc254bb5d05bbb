// Guidance drawn over the run: its text, and its points under the hand.
import assert from "node:assert/strict";
import test from "node:test";
import { read, rounded, written } from "../../aigc_ui/static/guidance_points.js";
import { curveHandles } from "../../aigc_ui/static/lab_curve.js";

test("a curve and its text are each other's way back, in the order of the run", () => {
  assert.deepEqual(read("1 3; 0 7.5"), [
    [0, 7.5],
    [1, 3],
  ]);
  assert.equal(
    written([
      [0, 7.5],
      [1 / 3, 3],
    ]),
    "0 7.5; 0.333 3",
  );
  assert.deepEqual(
    read(
      written([
        [0, 7.5],
        [0.5, 0],
        [1, 30],
      ]),
    ),
    [
      [0, 7.5],
      [0.5, 0],
      [1, 30],
    ],
  );
  assert.deepEqual(read(""), []);
});

test("a curve that is drawn is kept as exactly as it is written", () => {
  /** @type {[number, number][]} */
  const drawn = [
    [1 / 3, 20 / 7],
    [0.98765, 3],
  ];
  assert.deepEqual(rounded(drawn), read(written(drawn)));
  assert.deepEqual(rounded(drawn)[0], [0.333, 2.857]);
});

test("what is no curve is none", () => {
  for (const text of ["0", "0 1 2", "-0.1 3", "1.1 3", "0 -1", "0 31", "a b", "0 7; x"])
    assert.equal(read(text), null, text);
});

// A curve that is handled as the page does it.
function handled(points, wide = 1) {
  const kept = { points };
  const handles = () =>
    curveHandles({
      points: () => kept.points,
      put: (next) => {
        kept.points = next;
      },
      wide,
      low: 0,
      high: 10,
    });
  return { kept, handles };
}

test("a point stays between its neighbours and within the axis", () => {
  const { kept, handles } = handled([
    [0, 1],
    [0.5, 2],
    [1, 3],
  ]);
  handles().move(1, 2, 99);
  assert.ok(kept.points[1][0] < 1 && kept.points[1][0] > 0.98);
  assert.equal(kept.points[1][1], 10);
  handles().move(1, -5, -5);
  assert.ok(kept.points[1][0] > 0 && kept.points[1][0] < 0.02);
  assert.equal(kept.points[1][1], 0);
});

test("a click adds a point in its place, at most 24, and two stay", () => {
  const { kept, handles } = handled(
    [
      [0, 1],
      [1, 3],
    ],
    100,
  );
  assert.equal(handles().add(50, 4), 1);
  assert.deepEqual(kept.points, [
    [0, 1],
    [0.5, 4],
    [1, 3],
  ]);
  assert.equal(handles().add(50.1, 4), null); // too near
  for (let i = 1; i < 40; i++) handles().add(i * 2.45, 5);
  assert.equal(kept.points.length, 24);
  for (let i = 0; i < 40; i++) handles().remove(0);
  assert.equal(kept.points.length, 2);
});

test("positions of the plot are shares of its width", () => {
  assert.deepEqual(
    handled(
      [
        [0, 1],
        [0.25, 2],
        [1, 3],
      ],
      1000,
    ).handles().points,
    [
      [0, 1],
      [250, 2],
      [1000, 3],
    ],
  );
});
