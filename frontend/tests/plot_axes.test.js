// Axes: round numbers where they belong, and a way from a value to its place and back.
import assert from "node:assert/strict";
import test from "node:test";
import { figure, scale, span } from "../../aigc_ui/static/plot_axes.js";

const ticks = (low, high, log = false) =>
  scale({ low, high, log, from: 0, to: 100 }).ticks.map((tick) => +tick.toPrecision(12));

test("ticks are the round numbers of 1, 2 and 5 inside the axis", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 999), [0, 200, 400, 600, 800]);
  assert.deepEqual(ticks(0, 30), [0, 10, 20, 30]);
  assert.deepEqual(ticks(-0.5, 12.5), [0, 5, 10]);
  assert.deepEqual(ticks(-3, 3), [-2, 0, 2]);
  assert.deepEqual(ticks(0.3, 0.7), [0.3, 0.4, 0.5, 0.6, 0.7]);
});

test("ticks of a logarithmic axis are powers of ten, the ends where there is but one", () => {
  assert.deepEqual(ticks(1e-4, 1, true), [1e-4, 1e-3, 1e-2, 1e-1, 1]);
  assert.deepEqual(ticks(1e-12, 1, true), [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]);
  assert.deepEqual(ticks(2, 5, true), [2, 5]);
});

test("every tick lies inside the axis, evenly, whatever its range", () => {
  for (const [low, high] of [
    [0, 1],
    [0.1, 0.9],
    [-7, 12345],
    [1e-7, 3e-7],
    [99.5, 100.5],
    [-2e6, -1e6],
  ]) {
    const { at, ticks: made } = scale({ low, high, log: false, from: 0, to: 100 });
    assert.ok(made.length >= 2 && made.length <= 7, `${made}`);
    made.forEach((tick) => {
      assert.ok(at(tick) > -1e-6 && at(tick) < 100 + 1e-6);
    });
    const gaps = made.slice(1).map((tick, i) => tick - made[i]);
    gaps.forEach((gap) => {
      assert.ok(Math.abs(gap - gaps[0]) < 1e-9 * Math.abs(high - low));
    });
  }
});

test("a place and its value are each other's way back", () => {
  for (const log of [false, true]) {
    const { at, back } = scale({ low: 0.01, high: 100, log, from: 500, to: 20 });
    assert.equal(Math.round(at(0.01)), 500);
    assert.equal(Math.round(at(100)), 20);
    for (const value of [0.02, 1, 42]) assert.ok(Math.abs(back(at(value)) / value - 1) < 1e-9);
  }
  assert.equal(scale({ low: 0.01, high: 100, log: true, from: 0, to: 100 }).at(1), 50);
});

test("an axis without any range has one around its value", () => {
  const { at, ticks: made } = scale({ low: 5, high: 5, log: false, from: 0, to: 100 });
  assert.equal(at(5), 50);
  assert.ok(made.some((tick) => Math.abs(tick - 5) < 1e-9));
});

test("the span leaves out what an axis cannot show", () => {
  assert.deepEqual(span([3, NaN, -1, Infinity], { log: false }), { low: -1, high: 3, log: false });
  assert.deepEqual(span([0, -1, 10, 100], { log: true, pad: 0.1 }), { low: 10, high: 100, log: true });
  assert.deepEqual(span([0, 10], { log: false, pad: 0.1 }), { low: -1, high: 11, log: false });
  assert.deepEqual(span([1, 2], { log: false, low: 0 }), { low: 0, high: 2, log: false });
  assert.deepEqual(span([], { log: true }), { low: 0.1, high: 1, log: true });
});

test("figures have three digits", () => {
  assert.deepEqual([0, 1234.5, 0.012345, 1e-5, 123456, NaN, -Infinity, Infinity].map(figure), [
    "0",
    "1230",
    "0.0123",
    "1.0e-5",
    "1.2e5",
    "–",
    "−∞",
    "∞",
  ]);
});
