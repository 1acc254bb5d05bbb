// The axes of a plot: from where to where, linear or logarithmic, with round numbers on them.

/** A number in three digits; a dash where there is none. @param {number | null | undefined} value */
export function figure(value) {
  if (value == null || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace("e+", "e");
  return String(+value.toPrecision(3));
}

/**
 * Where the values of an axis lie, and round numbers on it.
 * @param {{ low: number, high: number, log?: boolean, from: number, to: number }} axis
 * @returns {import("./types.d.ts").Scale}
 */
export function scale({ low, high, log, from, to }) {
  const f = log ? Math.log10 : (/** @type {number} */ v) => v;
  let a = f(low),
    b = f(high);
  if (!(b > a)) {
    a -= 0.5;
    b += 0.5;
  }
  const at = (/** @type {number} */ v) => from + ((f(v) - a) / (b - a)) * (to - from);
  const back = (/** @type {number} */ p) => {
    const v = a + ((p - from) / (to - from)) * (b - a);
    return log ? 10 ** v : v;
  };
  return { at, back, ticks: log ? decades(a, b) : steps(a, b) };
}
/** @param {number} a @param {number} b */
function steps(a, b) {
  const rough = (b - a) / 5,
    power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  /** @type {number[]} */
  const ticks = [];
  for (let v = Math.ceil(a / step - 1e-9) * step; v <= b + step * 1e-9; v += step)
    ticks.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return ticks;
}
/** @param {number} a @param {number} b */
function decades(a, b) {
  const every = Math.max(1, Math.ceil((b - a) / 6));
  /** @type {number[]} */
  const ticks = [];
  for (let v = Math.ceil(a - 1e-9); v <= b + 1e-9; v += every) ticks.push(10 ** v);
  return ticks.length > 1 ? ticks : [10 ** a, 10 ** b];
}
/**
 * From the lowest to the highest of the values that an axis can show, with `pad` of their distance as room.
 * @param {number[]} values @param {import("./types.d.ts").Axis & { pad?: number }} axis
 */
export function span(values, { log, low, high, pad = 0 }) {
  const known = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let a = low ?? Math.min(...known),
    b = high ?? Math.max(...known);
  if (!known.length) [a, b] = log ? [0.1, 1] : [0, 1];
  const room = log ? 0 : (b - a) * pad;
  return { low: low ?? a - room, high: high ?? b + room, log };
}
