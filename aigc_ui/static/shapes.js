// Sizes of pictures that models take.

const STEP = 32, // which every kind of model takes
  LEAST = 64,
  LIKENESS = 4; // how much more the ratio counts than the number of pixels

/**
 * The size of about this ratio of width to height and about so many pixels.
 * @param {number} pixels @param {number} ratio
 */
export function shaped(pixels, ratio) {
  const near = (/** @type {number} */ side) =>
    [-1, 0, 1].map((by) => Math.max(LEAST, (Math.round(side / STEP) + by) * STEP));
  const sizes = near(Math.sqrt(pixels * ratio)).flatMap((width) =>
    near(Math.sqrt(pixels / ratio)).map((height) => ({ width, height })),
  );
  /** @param {{ width: number, height: number }} size */
  const off = ({ width, height }) =>
    LIKENESS * Math.abs(Math.log(width / height / ratio)) + Math.abs(Math.log((width * height) / pixels));
  return sizes.reduce((best, one) => (off(one) < off(best) ? one : best));
}
