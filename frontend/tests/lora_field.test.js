// The parts of the field of LoRAs are those that the engine reads (tests/pipelines/models/test_names.py).
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, partsOf, quoted } from "../../aigc_ui/static/lora_field.js";

const NAMES = ["ink lines", "Emma's mix, v2 & more!", "国风3_GuoFeng3", "a~b=1", "sub/m#final@2", 'say "hi"'];

test("every name comes back from the field, with commas and quotation marks", () => {
  const field = NAMES.map((name) => `${quoted(name)}:0.8`).join(", ");
  assert.deepEqual(partsOf(field).map(nameOf), NAMES);
});

test("names without weights, empty parts and a lone quotation mark", () => {
  assert.deepEqual(partsOf(' a ,, "b, c" , ').map(nameOf), ["a", "b, c"]);
  assert.deepEqual(partsOf('5" disk:1, b').map(nameOf), ['5" disk', "b"]);
  assert.deepEqual(partsOf(""), []);
});
