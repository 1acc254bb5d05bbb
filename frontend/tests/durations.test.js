// Times to come, rounded up to what can be known.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rounded } from "../../aigc_ui/static/durations.js";

test("seconds are said one by one up to ten, then by fives, then as minutes and hours", () => {
  const said = [0, 0.2, 3.1, 10, 11, 55, 56, 61, 3540, 3541, 7300].map(rounded);
  assert.deepEqual(said, [
    ["time.seconds", 1],
    ["time.seconds", 1],
    ["time.seconds", 4],
    ["time.seconds", 10],
    ["time.seconds", 15],
    ["time.seconds", 55],
    ["time.minutes", 1],
    ["time.minutes", 2],
    ["time.minutes", 59],
    ["time.hours", 1],
    ["time.hours", 3],
  ]);
});
test("what is said is never less than what it is", () => {
  const units = { "time.seconds": 1, "time.minutes": 60, "time.hours": 3600 };
  for (let seconds = 0; seconds < 8000; seconds += 7.3) {
    const [unit, count] = rounded(seconds);
    assert.ok(count * units[unit] >= seconds && count * units[unit] <= 2 * seconds + 60 * (seconds > 55) + 1);
  }
});
