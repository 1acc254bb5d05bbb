// Where pictures of a family stand, whatever their recipes say of one another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { beside, descendants, lineOf, nearestAbove, placed } from "../../aigc_ui/static/kin_layout.js";

/** @param {string} pairs "ab ac": a is the parent of b, and of c */
function family(pairs) {
  const edges = pairs.split(" ").map(([parent, child]) => ({ parent, child, kind: "branch" }));
  const keys = [...new Set(edges.flatMap(({ parent, child }) => [parent, child]))];
  return {
    nodes: keys.map((key) => ({ key, picture: /** @type {any} */ ({ id: key }), shown: "" })),
    edges,
    cut: false,
  };
}

test("children stand a column to the right, parents in the middle of theirs, and nobody on another", () => {
  const places = placed(family("ab ac cd ce af"));
  const at = Object.fromEntries([...places.values()].map(({ key, column, row }) => [key, [column, row]]));
  assert.deepEqual(at, { a: [0, 1.5], b: [1, 0], c: [1, 1.5], d: [2, 1], e: [2, 2], f: [1, 3] });
});

test("circles and whoever names himself have places, too", () => {
  for (const pairs of ["ab bc ca", "aa", "ab ba bc cb", "ab bb"]) {
    const kin = family(pairs);
    const places = placed(kin);
    assert.equal(places.size, kin.nodes.length);
    for (const { row } of places.values()) assert.ok(row >= 0);
    assert.deepEqual(new Set(descendants("a", kin.edges)), new Set(kin.nodes.map(({ key }) => key)));
  }
});

test("one with two parents stands beside the first and descends from both", () => {
  const kin = family("ac bc cd");
  assert.equal(placed(kin).get("c")?.parent, "a");
  assert.deepEqual(descendants("b", kin.edges), ["b", "c", "d"]);
  kin.nodes[1].picture = null;
  assert.deepEqual(
    lineOf(kin, "a").map(({ id }) => id),
    kin.nodes.filter(({ key, picture }) => picture && key !== "b").map(({ key }) => key),
  );
});

test("the next of kin is the nearest that is here", () => {
  const kin = family("ab bc");
  assert.equal(nearestAbove(kin, "c"), "b");
  kin.nodes[1].picture = null;
  assert.equal(nearestAbove(kin, "c"), "a");
  assert.equal(nearestAbove(kin, "a"), "");
});

test("arrows lead to parent, child and neighbours of the same generation", () => {
  const places = placed(family("ab ac bd"));
  assert.equal(beside("b", "ArrowLeft", places), "a");
  assert.equal(beside("a", "ArrowRight", places), "b");
  assert.equal(beside("b", "ArrowDown", places), "c");
  assert.equal(beside("b", "ArrowUp", places), "b");
  assert.equal(beside("d", "ArrowRight", places), "d");
});

test("ten thousand in a line and ten thousand of one parent are placed in time", () => {
  const nodes = Array.from({ length: 10_000 }, (_, i) => ({ key: `n${i}` }));
  for (const parentOf of [(/** @type {number} */ i) => i - 1, () => 0]) {
    const edges = nodes.slice(1).map(({ key }, i) => ({ parent: `n${parentOf(i + 1)}`, child: key, kind: "branch" }));
    const start = performance.now();
    assert.equal(placed({ nodes, edges }).size, 10_000);
    assert.equal(descendants("n0", edges).length, 10_000);
    assert.ok(performance.now() - start < 2000);
  }
});
