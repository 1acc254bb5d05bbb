// The controls of a bench: each field says what its control looks like (`look`), as it does on the Create page.
import { el } from "./dom.js";
import { has, t } from "./words.js";

const SMALLEST = 1e-5; // of a logarithmic slider, above 0
const PLACES = 200; // on it

/** @param {string} key */
const word = (key) => (has(key) ? t(key) : key);

/**
 * What a person moves: `set` shows a value, `speak` says its words anew.
 * @typedef {{ parts: HTMLElement[], set: (value: any) => void, speak?: () => void }} Drawn
 * @typedef {(value: any) => void} Changed
 */

/** @type {Record<string, (field: import("./types.d.ts").Field, changed: Changed) => Drawn>} */
const DRAWINGS = { slider, number: slider, choice: chooser, flag, text };

/**
 * One control; `set` shows a value, `changed(value)` is called as it is moved.
 * @param {import("./types.d.ts").Field} field
 * @param {Changed} changed
 * @returns {import("./types.d.ts").Control}
 */
export function createControl(field, changed) {
  const name = el("span", { class: "name" }),
    info = el("span", { class: "help" });
  const { parts, set, speak } = DRAWINGS[field.look.kind](field, changed);
  const node = el(
    "label",
    { class: `control ${field.look.kind === "flag" ? "flag" : ""}`, "data-field": field.name },
    name,
    ...parts,
    info,
  );
  function say() {
    name.textContent = word(field.look.label);
    info.textContent = word(field.look.info);
    speak?.();
  }
  return { node, set, say };
}

/** @type {(field: import("./types.d.ts").Field, changed: Changed) => Drawn} */
function chooser(field, changed) {
  const select = el("select", { onchange: () => changed(select.value) });
  function speak() {
    const value = select.value;
    select.replaceChildren(
      ...Object.entries(field.look.choices).map(([option, key]) => el("option", { value: option }, word(key))),
    );
    if (value) select.value = value;
  }
  speak();
  return { parts: [select], set: (value) => (select.value = value), speak };
}

/** @type {(field: import("./types.d.ts").Field, changed: Changed) => Drawn} */
function text(field, changed) {
  const box = el("textarea", { rows: 2, maxlength: field.max_length, oninput: () => changed(box.value) });
  return { parts: [box], set: (value) => (box.value = value) };
}

/** @type {(field: import("./types.d.ts").Field, changed: Changed) => Drawn} */
function flag(_field, changed) {
  const box = el("input", { type: "checkbox", onchange: () => changed(box.checked) });
  return { parts: [box], set: (value) => (box.checked = value) };
}

/** @type {(field: import("./types.d.ts").Field, changed: Changed) => Drawn} */
function slider({ type, low, high, look }, changed) {
  const typed = el("input", { type: "number", min: low, max: high, step: type === "int" ? look.step : "any" });
  const { range, place, value } = look.log ? logarithmic(high) : linear(low, high, look.step ?? 1);
  range.addEventListener("input", () => {
    const v = value(+range.value);
    typed.value = String(v);
    changed(v);
  });
  typed.addEventListener("input", () => {
    if (typed.value === "" || !Number.isFinite(+typed.value)) return;
    range.value = String(place(+typed.value));
    changed(+typed.value);
  });
  function set(/** @type {number} */ v) {
    typed.value = String(v);
    range.value = String(place(v));
  }
  return { parts: look.kind === "number" ? [typed] : [range, typed], set };
}

/**
 * A slider, the place on it of a value, and the value at a place.
 * @typedef {{ range: HTMLInputElement, place: (value: number) => number, value: (place: number) => number }} Slide
 */
const HIDDEN = { type: "range", tabindex: -1, "aria-hidden": "true" }; // the box beside it says the same

/** @type {(low: number, high: number, step: number) => Slide} */
const linear = (low, high, step) => ({
  range: el("input", { ...HIDDEN, min: low, max: high, step }),
  place: (v) => v,
  value: (p) => p,
});

/** @type {(high: number) => Slide} 0 at its very left */
const logarithmic = (high) => ({
  range: el("input", { ...HIDDEN, min: 0, max: PLACES, step: 1 }),
  place: (v) => (v ? 1 + ((PLACES - 1) * Math.log(v / SMALLEST)) / Math.log(high / SMALLEST) : 0),
  value: (p) => (p ? +(SMALLEST * (high / SMALLEST) ** ((p - 1) / (PLACES - 1))).toPrecision(3) : 0),
});
