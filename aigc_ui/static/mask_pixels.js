// The pixels of a mask: as they are painted, where opaque ones count, and as they are sent, white on black.
const OPAQUE = 127,
  CHANNELS = 4;

/**
 * RGBA of a drawing, in place: white where the picture is painted anew and black where it stays, nothing between.
 * Whether anything is painted.
 * @param {Uint8ClampedArray} data
 */
export function toMask(data) {
  let painted = false;
  for (let i = 0; i < data.length; i += CHANNELS) {
    const anew = data[i + 3] > OPAQUE;
    painted ||= anew;
    data.fill(anew ? 255 : 0, i, i + 3);
    data[i + 3] = 255;
  }
  return painted;
}

/**
 * RGBA of a painting, in place: its own colours, no pixel transparent. Whether anything is painted.
 * @param {Uint8ClampedArray} data
 */
export function toPaint(data) {
  let painted = false;
  for (let i = 3; i < data.length; i += CHANNELS) {
    painted ||= data[i] > OPAQUE;
    data[i] = 255;
  }
  return painted;
}

/**
 * The way back, in place: `ink`, [red, green, blue], where the mask is white, and nothing elsewhere.
 * @param {Uint8ClampedArray} data
 * @param {number[]} ink
 */
export function fromMask(data, ink) {
  for (let i = 0; i < data.length; i += CHANNELS) data.set([...ink, data[i] > OPAQUE ? 255 : 0], i);
}
