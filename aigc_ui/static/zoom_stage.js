// A picture that is zoomed down to its pixels: by the wheel, two fingers, a double click, buttons and keys.
import { el } from "./dom.js";
import { fitted, held, zoomed } from "./zoom.js";
import { t } from "./words.js";

const STEP = 1.5;
/** @typedef {{ x: number, y: number }} Point */

/**
 * `over` lies on the picture, as large as its own pixels, and is zoomed with it.
 * @param {{ id?: string, over?: HTMLElement }} [parts] `id` of the picture's element
 */
export function createZoomStage({ id, over } = {}) {
  const image = el("img", { id, alt: "", draggable: "false" }),
    stage = el("div", { class: "zoom-stage" }, image, over),
    figure = el("output", { class: "figures" });
  const lie = createLie(stage, image, over, (text) => {
    figure.textContent = text;
  });
  /** @type {[string, string, () => void][]} */
  const acts = [
    ["out", "−", () => lie.by(1 / STEP)],
    ["in", "+", () => lie.by(STEP)],
    ["pixels", "1:1", () => lie.pixels()],
    ["fit", "⤢", lie.fit],
  ];
  const buttons = acts.map(([name, sign, onclick]) =>
    el("button", { type: "button", "data-zoom": name, onclick }, sign),
  );
  listen(stage, lie);
  image.addEventListener("load", lie.fit);
  new ResizeObserver(lie.again).observe(stage);
  return {
    node: el("div", { class: "zoom" }, stage, el("div", { class: "zoom-bar" }, ...buttons, figure)),
    /** @param {string} source @param {string} alt */
    show: (source, alt) => Object.assign(image, { src: source, alt }),
    /** The keys + and − and z; whether it was one of them. @param {string} key */
    key: (key) => {
      if (key === "+" || key === "=") lie.by(STEP);
      else if (key === "-") lie.by(1 / STEP);
      else if (key === "z") lie.turn();
      else return false;
      return true;
    },
    say: () => {
      for (const button of buttons) {
        button.title = t(`gallery.zoom.${button.dataset.zoom}`);
        button.setAttribute("aria-label", button.title);
      }
    },
  };
}

/**
 * How the picture lies on its stage now.
 * @param {HTMLElement} stage @param {HTMLImageElement} image @param {HTMLElement | undefined} over the image
 * @param {(percent: string) => void} tell
 */
function createLie(stage, image, over, tell) {
  let lie = { scale: 1, x: 0, y: 0 },
    whole = true;
  const picture = () => ({ width: image.naturalWidth || 1, height: image.naturalHeight || 1 });
  const size = () => ({ width: stage.clientWidth || 1, height: stage.clientHeight || 1 });
  /** @param {typeof lie} next */
  function lay(next) {
    lie = next;
    const screen = lie.scale * devicePixelRatio;
    const { width, height } = picture();
    for (const part of over ? [image, over] : [image])
      part.style.transform = `translate(${lie.x}px, ${lie.y}px) scale(${lie.scale})`;
    if (over) Object.assign(over.style, { width: `${width}px`, height: `${height}px` });
    image.style.imageRendering = screen >= 2 ? "pixelated" : "auto";
    stage.classList.toggle("larger", !whole);
    tell(`${Math.round(screen * 100)} %`);
  }
  function fit() {
    whole = true;
    lay(fitted(picture(), size()));
  }
  /** @param {number} scale @param {Point} point */
  function to(scale, point = { x: size().width / 2, y: size().height / 2 }) {
    whole = false;
    lay(zoomed(lie, scale, point, picture(), size()));
  }
  /** @param {Point} [point] */
  const pixels = (point) => to(1 / devicePixelRatio, point);
  return {
    fit,
    pixels,
    /** @param {number} factor @param {Point} [point] */
    by: (factor, point) => to(lie.scale * factor, point),
    /** From whole to its pixels and back. @param {Point} [point] */
    turn: (point) => (whole ? pixels(point) : fit()),
    /** @param {number} x @param {number} y */
    move: (x, y) => lay(held({ ...lie, x: lie.x + x, y: lie.y + y }, picture(), size())),
    again: () => (whole ? fit() : lay(held(lie, picture(), size()))),
  };
}

/** @param {HTMLElement} stage @param {ReturnType<typeof createLie>} lie */
function listen(stage, lie) {
  /** Fingers, and the mouse while it is pressed. @type {Map<number, Point>} */
  const down = new Map();
  /** @param {MouseEvent} event @returns {Point} */
  function on(event) {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    lie.by(Math.exp(-event.deltaY / 300), on(event));
  });
  stage.addEventListener("dblclick", (event) => lie.turn(on(event)));
  stage.addEventListener("pointerdown", (event) => {
    if (event.target instanceof HTMLButtonElement && !stage.classList.contains("larger")) return; // what lies over it
    down.set(event.pointerId, on(event));
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId),
      now = on(event);
    if (!before) return;
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, now);
    if (other) lie.by(distance(now, other) / Math.max(1, distance(before, other)), other);
    else lie.move(now.x - before.x, now.y - before.y);
  });
  const up = (/** @type {PointerEvent} */ event) => down.delete(event.pointerId);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", up);
}
/** @param {Point} a @param {Point} b */
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
