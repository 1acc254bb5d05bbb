// How much pictures that follow one another differ, and where most of that is over.

/**
 * The mean difference of each picture from the one before it, 0 for the first; in levels of 0 to 255.
 * @param {ArrayLike<number>[]} pictures RGBA of the same size each
 */
export function changes(pictures) {
  return pictures.map((picture, k) => {
    const before = pictures[k - 1];
    if (!before) return 0;
    let sum = 0;
    for (let i = 0; i < picture.length; i += 1) sum += i % 4 === 3 ? 0 : Math.abs(picture[i] - before[i]);
    return sum / (picture.length * 0.75);
  });
}

/** The first place up to which that share of all change is done. @param {number[]} changed @param {number} share */
export function settledAt(changed, share) {
  const all = changed.reduce((sum, change) => sum + change, 0);
  let done = 0;
  return changed.findIndex((change) => {
    done += change;
    return done >= share * all;
  });
}
