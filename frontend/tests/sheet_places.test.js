import assert from "node:assert/strict";
import { test } from "node:test";
import { tiled, valuesOf } from "../../aigc_ui/static/sheet_places.js";

test("the first axis changes from cell to cell, the others after it", () => {
  const axes = [
    { field: "seed", values: ["1", "2", "3"] },
    { field: "eta", values: ["0", "1"] },
  ];
  const cells = [...Array(6).keys()].map((index) => valuesOf(axes, index).join(" "));
  assert.deepEqual(cells.slice(1, 4), ["seed,2 eta,0", "seed,3 eta,0", "seed,1 eta,1"]);
  assert.equal(new Set(cells).size, 6);
});

test("one picture lies in the middle of its box, as large as goes", () => {
  const box = { width: 100, height: 100 };
  assert.deepEqual(tiled(1, { width: 200, height: 100 }, box, 4), [{ x: 0, y: 25, width: 100, height: 50 }]);
  assert.deepEqual(tiled(1, { width: 100, height: 200 }, box, 4), [{ x: 25, y: 0, width: 50, height: 100 }]);
});

test("several lie row by row, inside their box, with a gap between them", () => {
  const picture = { width: 64, height: 48 },
    box = { width: 500, height: 300 };
  for (let count = 1; count <= 16; count++) {
    const places = tiled(count, picture, box, 4);
    assert.equal(places.length, count);
    for (const { x, y, width, height } of places)
      assert.ok(x >= 0 && y >= 0 && x + width <= box.width && y + height <= box.height);
    const [first, second] = places;
    if (second) assert.ok(second.x - (first.x + first.width) >= 3);
  }
});
