// Of sheets of pictures: which values a cell of a grid has, and where each picture of a batch lies.

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
 * Pictures of one size as a grid, row by row and as square as it goes, in the middle of a box: where each lies.
 * @param {number} count @param {Size} picture @param {Size} box @param {number} gap between them
 * @typedef {{ width: number, height: number }} Size
 */
export function tiled(count, picture, box, gap) {
  const columns = Math.ceil(Math.sqrt(count)),
    rows = Math.ceil(count / columns);
  const scale = Math.min(
    (box.width - gap * (columns - 1)) / (columns * picture.width),
    (box.height - gap * (rows - 1)) / (rows * picture.height),
  );
  const [width, height] = [picture.width * scale, picture.height * scale];
  const left = (box.width - columns * width - gap * (columns - 1)) / 2,
    top = (box.height - rows * height - gap * (rows - 1)) / 2;
  return Array.from({ length: count }, (_, i) => ({
    x: Math.round(left + (i % columns) * (width + gap)),
    y: Math.round(top + Math.floor(i / columns) * (height + gap)),
    width: Math.round(width),
    height: Math.round(height),
  }));
}
