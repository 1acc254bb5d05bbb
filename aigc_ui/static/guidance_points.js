// A guidance curve as text: points of position and scale.
const LARGEST = 30; // of a scale

export const figure = (v) => String(+v.toFixed(3));
// "0 7.5; 1 3" and back; null for what is no curve.
export const written = (list) => list.map(([x, y]) => `${figure(x)} ${figure(y)}`).join("; ");
export function read(text) {
  const list = text
    .split(";")
    .map((p) => p.trim())
    .filter(Boolean)
    .map((p) => p.split(/\s+/).map(Number));
  const good = list.every(
    (p) => p.length === 2 && p.every(Number.isFinite) && p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= LARGEST,
  );
  return good ? list.sort((a, b) => a[0] - b[0]) : null;
}
