// How far the guesses of a run are from its last one, and from where on little of that is left.

/**
 * The mean difference of each picture from the last one, in levels of 0 to 255. The first is before any guess and counts
 * as the second.
 * @param {ArrayLike<number>[]} pictures RGBA of the same size each, two at least
 */
export function distances(pictures) {
  const last = pictures[pictures.length - 1];
  const all = pictures.map((picture) => {
    let sum = 0;
    for (let i = 0; i < picture.length; i += 1) sum += i % 4 === 3 ? 0 : Math.abs(picture[i] - last[i]);
    return sum / (picture.length * 0.75);
  });
  return [all[1], ...all.slice(1)];
}

/** The first place from which on at most that share of the greatest distance is left. @param {number[]} far @param {number} share */
export const settledAt = (far, share) => far.findLastIndex((each) => each > share * Math.max(...far)) + 1;
