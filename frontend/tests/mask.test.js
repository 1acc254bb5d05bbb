// A mask's pixels: sharp, white where it is painted, and the way back.
import assert from "node:assert/strict";
import test from "node:test";
import { fromMask, toMask } from "../../aigc_ui/static/mask_pixels.js";

test("opaque pixels are white, all others black, none between", () => {
  const data = Uint8ClampedArray.from([225, 29, 72, 255, 225, 29, 72, 128, 225, 29, 72, 127, 0, 0, 0, 0]);
  assert.equal(toMask(data), true);
  assert.deepEqual([...data], [255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255]);
});

test("nothing painted is no mask", () => {
  assert.equal(toMask(new Uint8ClampedArray(16)), false);
});

test("a kept mask is painted as it was", () => {
  const data = Uint8ClampedArray.from([255, 255, 255, 255, 0, 0, 0, 255]),
    ink = [225, 29, 72];
  fromMask(data, ink);
  assert.deepEqual([...data], [...ink, 255, ...ink, 0]);
  assert.equal(toMask(data), true);
  assert.deepEqual([...data], [255, 255, 255, 255, 0, 0, 0, 255]);
});
