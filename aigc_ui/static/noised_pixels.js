// A picture's pixels under noise, made here by q(x_t | x_0) from the picture and its noise, which come only once.
import { context, decode, el, onto } from "./dom.js";
import { post } from "./http.js";

/** @typedef {{ wide: number, high: number, x0: Float32Array, eps: Float32Array }} Clean numbers of pixels, three of each */

/** x_t as bytes with an opaque alpha. @param {Pick<Clean, "x0" | "eps">} clean @param {number} signal √ᾱ @param {number} noise √(1−ᾱ) */
export function noisedBytes({ x0, eps }, signal, noise) {
  const bytes = new Uint8ClampedArray((x0.length / 3) * 4).fill(255);
  for (let i = 0; i < x0.length; i++) bytes[i + Math.floor(i / 3)] = (signal * x0[i] + noise * eps[i] + 1) * 127.5; // rounded and held to 0…255
  return bytes;
}

/** @param {string} source @returns {Promise<ImageData>} */
async function pixelsOf(source) {
  const canvas = el("canvas"),
    bitmap = await decode(source);
  onto(canvas, bitmap);
  bitmap.close();
  return context(canvas).getImageData(0, 0, canvas.width, canvas.height);
}
/** Its colours without alpha. @param {ImageData} image */
const colours = ({ data }) => data.filter((_, i) => i % 4 < 3);

/** @param {string} image its id, "" for the studio's own @returns {Promise<Clean>} */
async function fetched(image) {
  /** @type {import("./types.d.ts").NoiseAnswer} */
  const { clean, noise, reach } = await post("lab/noise", { image });
  const picture = await pixelsOf(clean[0]),
    [high, low] = (await Promise.all(noise.map(pixelsOf))).map(colours);
  return {
    wide: picture.width,
    high: picture.height,
    x0: Float32Array.from(colours(picture), (value) => value / 127.5 - 1),
    eps: Float32Array.from(high, (value, i) => (((value * 256 + low[i]) / 0xffff) * 2 - 1) * reach),
  };
}

/** The one picture that was looked at last. */
export function createNoisedPixels() {
  let of = "";
  /** @type {Promise<Clean> | null} */
  let clean = null;
  /** @param {string} image @param {number} signal @param {number} noise */
  return async (image, signal, noise) => {
    if (!clean || of !== image) [of, clean] = [image, fetched(image)];
    const wanted = clean;
    try {
      const known = await wanted;
      return createImageBitmap(new ImageData(noisedBytes(known, signal, noise), known.wide, known.high));
    } catch (error) {
      if (clean === wanted) clean = null;
      throw error;
    }
  };
}
