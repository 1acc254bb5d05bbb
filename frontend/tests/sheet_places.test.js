import assert from "node:assert/strict";
import { test } from "node:test";
import { contained, valuesOf } from "../../aigc_ui/static/sheet_places.js";

test("the first axis changes from cell to cell, the others after it", () => {
  const axes = [
    { field: "seed", values: ["1", "2", "3"] },
    { field: "eta", values: ["0", "1"] },
  ];
  const cells = [...Array(6).keys()].map((index) => valuesOf(axes, index).join(" "));
  assert.deepEqual(cells.slice(1, 4), ["seed,2 eta,0", "seed,3 eta,0", "seed,1 eta,1"]);
  assert.equal(new Set(cells).size, 6);
});

test("a picture is contained in the middle of its box", () => {
  assert.deepEqual(contained(200, 100, 100, 100), { left: 0, top: 25, scale: 0.5 });
  assert.deepEqual(contained(100, 200, 100, 100), { left: 25, top: 0, scale: 0.5 });
});
