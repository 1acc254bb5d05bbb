// Seconds left, from the middle one of the last steps' times: replayed steps come in a burst, the first are slow.
const KEPT = 7,
  FEWEST = 3;

/**
 * A function of a job's frames as they come, to the seconds left or null while that is not known; `clock` gives ms.
 * @returns {(frame: Pick<import("./engine.d.ts").Frame, "index" | "total">) => number | null}
 */
export function pace(clock = () => performance.now()) {
  /** @type {{ index: number, now: number } | null} */
  let last = null;
  /** @type {number[]} */
  const gaps = [];
  return ({ index, total }) => {
    const now = clock();
    if (last && index > last.index) gaps.push((now - last.now) / (index - last.index));
    if (gaps.length > KEPT) gaps.shift();
    last = { index, now };
    if (gaps.length < FEWEST) return null;
    return ((total - index) * [...gaps].sort((a, b) => a - b)[gaps.length >> 1]) / 1000;
  };
}
