// Of a grid's sheet: which values a cell has, and where a picture lies in a box that shows it.

/**
 * A cell's value of each axis; the first axis changes from cell to cell.
 * @param {{ field: string, values: string[] }[]} axes @param {number} index @returns {[string, string][]}
 */
export function valuesOf(axes, index) {
  let rest = index;
  return axes.map(({ field, values }) => {
    const value = values[rest % values.length];
    rest = Math.floor(rest / values.length);
    return [field, value];
  });
}

/**
 * A picture of this size in a box that contains it whole: left, top, and pixels of the box for one of its own.
 * @param {number} width @param {number} height @param {number} boxWidth @param {number} boxHeight
 */
export function contained(width, height, boxWidth, boxHeight) {
  const scale = Math.min(boxWidth / width, boxHeight / height);
  return { left: (boxWidth - width * scale) / 2, top: (boxHeight - height * scale) / 2, scale };
}
