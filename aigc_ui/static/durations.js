// Times to come as people say them: no finer than they can be known.

/**
 * The word for the unit, a key of the table, and how many of it; upwards, as a wait that ends early is no trouble.
 * @param {number} seconds @returns {[key: string, count: number]}
 */
export function rounded(seconds) {
  if (seconds <= 10) return ["time.seconds", Math.max(1, Math.ceil(seconds))];
  if (seconds <= 55) return ["time.seconds", 5 * Math.ceil(seconds / 5)];
  if (seconds <= 3540) return ["time.minutes", Math.ceil(seconds / 60)];
  return ["time.hours", Math.ceil(seconds / 3600)];
}
