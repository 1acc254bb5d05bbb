// The axes of a plot: from where to where, linear or logarithmic, with round numbers on them.

// A number in three digits.
export function figure(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return "–";
  if (size && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace("e+", "e");
  return String(+value.toPrecision(3));
}

// Where the values of an axis lie, and round numbers on it.
export function scale({ low, high, log, from, to }) {
  const f = log ? Math.log10 : (v) => v;
  let a = f(low),
    b = f(high);
  if (!(b > a)) {
    a -= 0.5;
    b += 0.5;
  }
  const at = (v) => from + ((f(v) - a) / (b - a)) * (to - from);
  const back = (p) => {
    const v = a + ((p - from) / (to - from)) * (b - a);
    return log ? 10 ** v : v;
  };
  return { at, back, ticks: log ? decades(a, b) : steps(a, b) };
}
function steps(a, b) {
  const rough = (b - a) / 5,
    power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const ticks = [];
  for (let v = Math.ceil(a / step - 1e-9) * step; v <= b + step * 1e-9; v += step)
    ticks.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return ticks;
}
function decades(a, b) {
  const every = Math.max(1, Math.ceil((b - a) / 6)),
    ticks = [];
  for (let v = Math.ceil(a - 1e-9); v <= b + 1e-9; v += every) ticks.push(10 ** v);
  return ticks.length > 1 ? ticks : [10 ** a, 10 ** b];
}
// From the lowest to the highest of the values that an axis can show, with `pad` of their distance as room.
export function span(values, { log, low, high, pad = 0 }) {
  const known = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let a = low ?? Math.min(...known),
    b = high ?? Math.max(...known);
  if (!known.length) [a, b] = log ? [0.1, 1] : [0, 1];
  const room = log ? 0 : (b - a) * pad;
  return { low: low ?? a - room, high: high ?? b + room, log };
}
