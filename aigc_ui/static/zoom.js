// How a picture lies on a stage: scaled, and moved so that a point under the pointer stays there.

/**
 * `scale` is screen pixels a pixel of the picture, `x` and `y` where its corner lies on the stage.
 * @typedef {{ scale: number, x: number, y: number }} Lie
 * @typedef {{ width: number, height: number }} Size
 */

const LARGEST = 32;

/** All of the picture in the middle; one that is smaller than the stage is not made larger than four times. @param {Size} picture @param {Size} stage @returns {Lie} */
export function fitted(picture, stage) {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height, 4);
  return held({ scale, x: 0, y: 0 }, picture, stage);
}
/** @param {Lie} lie @param {number} scale @param {{ x: number, y: number }} point of the stage that stays @param {Size} picture @param {Size} stage */
export function zoomed(lie, scale, point, picture, stage) {
  const least = Math.min(fitted(picture, stage).scale, 1),
    next = Math.max(least, Math.min(LARGEST, scale)),
    by = next / lie.scale;
  return held(
    { scale: next, x: point.x - (point.x - lie.x) * by, y: point.y - (point.y - lie.y) * by },
    picture,
    stage,
  );
}
/** In the middle where there is room, else without an empty edge. @param {Lie} lie @param {Size} picture @param {Size} stage @returns {Lie} */
export function held({ scale, x, y }, picture, stage) {
  return {
    scale,
    x: along(x, picture.width * scale, stage.width),
    y: along(y, picture.height * scale, stage.height),
  };
}
/** @param {number} at @param {number} size @param {number} room */
const along = (at, size, room) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at)));
