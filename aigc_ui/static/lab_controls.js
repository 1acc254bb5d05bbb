// The controls of a bench, made from an experiment's fields.
import { el } from "./dom.js";
import { has, t } from "./words.js";

const LARGE = 1e5; // a range with more numbers than this is typed, not slid
const LOGARITHMIC = ["beta_start", "beta_end"];
const SMALLEST = 1e-5;

// The lab's own words for a field, else those of the Create page; a bench may have an explanation of its own.
const own = (name) => (has(`lab.field.${name}`) ? "lab." : "");
const label = (name) => (has(`${own(name)}field.${name}`) ? t(`${own(name)}field.${name}`) : name);
function help(name, experiment) {
  const key = [`lab.${experiment}.info.${name}`, `${own(name)}info.${name}`].find(has);
  return key ? t(key) : "";
}
const choice = (name, option) => (has(`choice.${name}.${option}`) ? t(`choice.${name}.${option}`) : option);

// One control; `set` shows a value, `changed(value)` is called as it is moved.
export function createControl(field, experiment, changed) {
  const name = el("span", { class: "name" }),
    info = el("span", { class: "help" });
  const say = () => {
    name.textContent = label(field.name);
    info.textContent = help(field.name, experiment);
  };
  const [parts, set, speak] = (field.options ? chooser : field.flag ? flag : field.max_length ? words : slider)(
    field,
    changed,
  );
  const node = el(
    "label",
    { class: `control ${field.flag ? "flag" : ""}`, "data-field": field.name },
    name,
    ...parts,
    info,
  );
  return {
    node,
    set,
    say: () => {
      say();
      speak?.();
    },
  };
}
/** @typedef {[HTMLElement[], (value: any) => void, (() => void)?]} Parts */
/** @returns {Parts} */
function chooser(field, changed) {
  const select = el("select", { onchange: () => changed(select.value) });
  const speak = () => {
    const value = select.value;
    select.replaceChildren(...field.options.map((o) => el("option", { value: o }, choice(field.name, o))));
    if (value) select.value = value;
  };
  speak();
  return [
    [select],
    (value) => {
      select.value = value;
    },
    speak,
  ];
}
/** @returns {Parts} */
function words(field, changed) {
  const box = el("textarea", { rows: 2, maxlength: field.max_length, oninput: () => changed(box.value) });
  return [
    [box],
    (value) => {
      box.value = value;
    },
  ];
}
/** @returns {Parts} */
function flag(_field, changed) {
  const box = el("input", { type: "checkbox", onchange: () => changed(box.checked) });
  return [
    [box],
    (value) => {
      box.checked = value;
    },
  ];
}
/** @returns {Parts} */
function slider(field, changed) {
  const whole = field.type === "int",
    log = LOGARITHMIC.includes(field.name);
  const step = field.step ?? (whole ? 1 : (field.high - field.low) / 200);
  const typed = el("input", { type: "number", min: field.low, max: field.high, step: whole ? step : "any" });
  const range = el("input", {
    type: "range",
    tabindex: -1,
    "aria-hidden": "true",
    ...(log ? { min: 0, max: 200, step: 1 } : { min: field.low, max: field.high, step }),
  });
  const toRange = (v) => (log ? (v ? 1 + (199 * Math.log(v / SMALLEST)) / Math.log(field.high / SMALLEST) : 0) : v);
  const fromRange = (p) =>
    log ? (p ? +(SMALLEST * (field.high / SMALLEST) ** ((p - 1) / 199)).toPrecision(3) : 0) : p;
  range.addEventListener("input", () => {
    const v = fromRange(+range.value);
    typed.value = v;
    changed(v);
  });
  typed.addEventListener("input", () => {
    if (typed.value === "" || !Number.isFinite(+typed.value)) return;
    range.value = toRange(+typed.value);
    changed(+typed.value);
  });
  const set = (value) => {
    typed.value = value;
    range.value = toRange(value);
  };
  return [whole && field.high - field.low > LARGE ? [typed] : [range, typed], set];
}
