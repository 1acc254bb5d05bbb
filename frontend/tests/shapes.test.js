import assert from "node:assert/strict";
import { test } from "node:test";
import { shaped } from "../../aigc_ui/static/shapes.js";

test("every shape has sides that all models take, nearly its ratio and nearly as many pixels", () => {
  for (const side of [256, 512, 768, 1024, 1536])
    for (const ratio of [1, 4 / 3, 3 / 2, 16 / 9, 3 / 4, 2 / 3, 9 / 16]) {
      const { width, height } = shaped(side * side, ratio);
      assert.equal((width % 32) + (height % 32), 0);
      assert.ok(Math.abs(Math.log(width / height / ratio)) < 0.05, `${width} x ${height} is not ${ratio}`);
      assert.ok(Math.abs(Math.log((width * height) / side ** 2)) < 0.25, `${width} x ${height} for ${side}`);
    }
});

test("a square comes back from every other shape, and a turned one is the same turned", () => {
  assert.deepEqual(shaped(256 * 256, 1), { width: 256, height: 256 });
  assert.deepEqual(shaped(512 * 512, 1), { width: 512, height: 512 });
  const { width, height } = shaped(512 * 512, 16 / 9);
  assert.deepEqual(shaped(512 * 512, 9 / 16), { width: height, height: width });
});
