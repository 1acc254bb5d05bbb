import assert from "node:assert/strict";
import { test } from "node:test";
import { GAP, layoutOf, moved, placeOf, within } from "../../aigc_ui/static/gallery_layout.js";
import { PIECE, createSource } from "../../aigc_ui/static/gallery_source.js";
import { differences } from "../../aigc_ui/static/recipe_difference.js";
import { fitted, zoomed } from "../../aigc_ui/static/zoom.js";

test("tiles fill the width, and every tile in sight is among those that are drawn", () => {
  for (const width of [320, 390, 1000, 1533]) {
    const layout = layoutOf(width, 100_000, 168);
    const { columns, side } = layout;
    assert.ok(Math.abs(columns * side + (columns - 1) * GAP - width) < 1e-6);
    for (const top of [0, 1234, layout.height - 800]) {
      const { from, to } = within(layout, top, top + 800, 1);
      assert.ok(to - from < 200);
      for (let i = 0; i < layout.total; i += 7) {
        const y = placeOf(layout, i).top;
        if (y < top + 800 && y + side > top) assert.ok(from <= i && i < to, `${i} at ${top}`);
      }
    }
  }
});

test("what is far below the last row or above the first draws nothing that is not there", () => {
  const layout = layoutOf(800, 5, 168);
  assert.deepEqual(within(layout, 5000, 6000), { from: 5, to: 5 });
  assert.equal(within(layout, -5000, -4000).to, 0);
});

test("arrows move and never leave the pictures", () => {
  const layout = layoutOf(352, 7, 100); // three columns
  const from = (/** @type {number} */ index) =>
    ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].map((key) => moved(key, index, layout, 2));
  assert.deepEqual(from(0), [0, 1, 0, 3, 0, 6]);
  assert.deepEqual(from(6), [5, 6, 3, 6, 0, 6]);
  assert.equal(moved("x", 0, layout, 2), null);
});

/** Questions that are answered when the test says so. */
function studio(total = 10_000) {
  /** @type {{ offset: number, answer: (total?: number) => Promise<void> }[]} */
  const asked = [];
  const ask = (/** @type {number} */ offset) =>
    new Promise((resolve) => {
      const pictures = [...Array(PIECE)].map((_, i) => ({ id: `${offset + i}` }));
      const answer = async (found = total) => {
        resolve({ total: found, offset, facets: {}, pictures });
        await new Promise(setImmediate);
      };
      asked.push({ offset, answer });
    });
  const begun = [];
  const source = createSource(ask, { begun: (answer) => begun.push(answer.total), more() {}, failed: assert.fail });
  return { source, asked, begun };
}

test("only what is in sight when its turn comes is fetched, one piece at a time", async () => {
  const { source, asked } = studio();
  source.restart();
  await asked[0].answer();
  for (let piece = 1; piece < 50; piece++) source.want(piece * PIECE, piece * PIECE + 20); // flung through
  assert.equal(asked.length, 2);
  await asked[1].answer();
  await asked[2].answer();
  assert.deepEqual(
    asked.map(({ offset }) => offset / PIECE),
    [0, 1, 49],
  );
  assert.equal(source.at(4905).id, "4905");
  assert.equal(source.at(3000), undefined);
});

test("a range is whole also where nobody has looked", async () => {
  const { source, asked } = studio();
  source.restart();
  await asked[0].answer();
  const range = source.between(95, 205);
  await asked[1].answer();
  await asked[2].answer();
  assert.deepEqual(
    (await range).map(({ id }) => Number(id)),
    [...Array(111)].map((_, i) => 95 + i),
  );
});

test("an answer to an older question is passed over", async () => {
  const { source, asked, begun } = studio();
  source.restart();
  source.restart();
  await asked[1].answer(1);
  await asked[0].answer(30);
  assert.deepEqual(begun, [1]);
  assert.equal(source.total(), 1);
});

test("a refresh shows what was there until it is here anew, a new question does not", async () => {
  const { source, asked } = studio();
  source.restart();
  await asked[0].answer();
  source.want(100, 110);
  await asked[1].answer();
  source.refresh();
  await asked[2].answer();
  assert.equal(source.at(105).id, "105");
  assert.equal(source.known(new Set(["7", "105"])).length, 2);
  source.restart();
  await asked[3].answer();
  assert.equal(source.at(105), undefined);
});

test("recipes differ in what is not the same, lists by what they hold", () => {
  const one = { request: { seed: 1, prompt: "a", curve: [[0, 1]] } };
  const other = { request: { seed: 2, prompt: "a", curve: [[0, 1]], eta: 0 } };
  assert.deepEqual(differences(one, other), [
    ["seed", 1, 2],
    ["eta", undefined, 0],
  ]);
  assert.deepEqual(differences(one, one), []);
  assert.deepEqual(differences({}, { request: "strange" }), []);
});

test("zooming keeps the point under the pointer, and no edge comes off the stage", () => {
  const picture = { width: 1000, height: 500 },
    stage = { width: 400, height: 400 };
  const lie = fitted(picture, stage);
  assert.deepEqual(lie, { scale: 0.4, x: 0, y: 100 });
  const point = { x: 200, y: 200 };
  const on = (/** @type {typeof lie} */ { scale, x, y }) => [(point.x - x) / scale, (point.y - y) / scale];
  const near = zoomed(lie, 4, point, picture, stage);
  assert.deepEqual(on(near), on(lie));
  const corner = zoomed(near, 4, { x: 0, y: 0 }, picture, stage);
  assert.ok(corner.x <= 0 && corner.x + 4000 >= 400);
  assert.equal(zoomed(lie, 0.01, point, picture, stage).scale, 0.4);
});
