// A square of the plane on a canvas: points, the field, and marks such as a path, a circle or an arrow. It draws what it
// is told, in the plane's own coordinates, and keeps the last of it for another size or theme.
import { context, el } from "./dom.js";
import { colour } from "./plot_drawing.js";

const ARROW_HEAD = 2.6; // radians from the arrow's direction to either barb

/**
 * @typedef {import("./types.d.ts").Scene} Scene
 * @typedef {import("./types.d.ts").Place} Place
 * @typedef {import("./types.d.ts").Mark} Mark
 * @typedef {ReturnType<typeof penOn>} Pen
 */

/** @param {string} id @returns {import("./types.d.ts").Plane} */
export function createPlane(id) {
  const canvas = el("canvas", { id, class: "plane", role: "img" });
  /** @type {Scene | undefined} */
  let scene;

  /** @param {Scene} [next] */
  function draw(next) {
    scene = next ?? scene;
    const side = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
    if (!side || !scene) return;
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    paint(canvas, scene);
  }
  /** Where in the plane the pointer is. @param {MouseEvent} event @returns {Place} */
  function place(event) {
    const box = canvas.getBoundingClientRect(),
      reach = scene?.reach ?? 1;
    return [
      (((event.clientX - box.left) / box.width) * 2 - 1) * reach,
      (1 - ((event.clientY - box.top) / box.height) * 2) * reach,
    ];
  }
  new ResizeObserver(() => draw()).observe(canvas);
  new MutationObserver(() => draw()).observe(document.body, { attributeFilter: ["class"] });
  return { canvas, draw, place };
}

/** The same of a size of one's own, for files. @param {Scene} scene @param {number} side */
export function planePicture(scene, side) {
  const canvas = el("canvas", { width: side, height: side });
  paint(canvas, scene);
  return canvas;
}

/** A mark as it looks on the plane, for a legend; its colour follows the theme. @param {string} kind @param {string} name */
export const planeKey = (kind, name) =>
  el("i", { class: `key key-${kind}`, style: `color: var(${name})`, "aria-hidden": "true" });

/** @param {HTMLCanvasElement} canvas @param {Scene} scene */
function paint(canvas, scene) {
  const pen = penOn(canvas, scene.reach);
  pen.use("--stage");
  pen.on.fillRect(0, 0, canvas.width, canvas.height);
  if (scene.heat) heat(pen, scene.heat);
  if (scene.field) field(pen, scene.field, scene.reach);
  if (scene.dots) dots(pen, scene.dots);
  scene.marks.forEach((mark) => {
    pen.use(mark.colour, mark.dash);
    drawMark(pen, mark);
  });
}
/** @param {HTMLCanvasElement} canvas @param {number} reach */
function penOn(canvas, reach) {
  const on = context(canvas),
    zoom = canvas.width / 520,
    scale = canvas.width / (2 * reach);
  /** @type {Record<string, string>} */
  const known = {};
  return {
    on,
    zoom,
    scale,
    /** @type {(place: Place) => Place} */
    at: ([x, y]) => [(x + reach) * scale, (reach - y) * scale],
    /** @param {string} name @param {boolean} [dash] */
    use(name, dash) {
      on.strokeStyle = on.fillStyle = known[name] ??= colour(name);
      on.lineWidth = 2 * zoom;
      on.setLineDash(dash ? [4 * zoom, 4 * zoom] : []);
    },
    /** @param {Place} place @param {number} radius */
    disc(place, radius) {
      on.beginPath();
      on.arc(...this.at(place), radius * zoom, 0, 7);
      on.fill();
    },
  };
}
/** @param {Pen} pen @param {Place[]} places */
function line({ on, at }, places) {
  on.beginPath();
  places.forEach((place, k) => (k ? on.lineTo(...at(place)) : on.moveTo(...at(place))));
  on.stroke();
}
/** @param {Pen} pen @param {Place} at @param {Place} by @param {number} head */
function arrow(pen, [x, y], [dx, dy], head) {
  line(pen, [
    [x, y],
    [x + dx, y + dy],
  ]);
  const [ex, ey] = pen.at([x + dx, y + dy]),
    turn = Math.atan2(-dy, dx);
  pen.on.beginPath();
  for (const barb of [ARROW_HEAD, -ARROW_HEAD]) {
    pen.on.moveTo(ex, ey);
    pen.on.lineTo(ex + head * pen.zoom * Math.cos(turn + barb), ey + head * pen.zoom * Math.sin(turn + barb));
  }
  pen.on.stroke();
}
/**
 * Vectors on a square grid, row by row; long ones are cut so that none reaches its neighbour.
 * @param {Pen} pen @param {NonNullable<Scene["field"]>} field @param {number} reach
 */
function field(pen, { side, vectors }, reach) {
  const gap = (2 * reach) / (side - 1);
  pen.use("--muted");
  pen.on.lineWidth = 1.1 * pen.zoom;
  vectors.forEach(([dx, dy], i) => {
    const long = Math.hypot(dx, dy),
      length = (Math.min(1, long / 3) * 0.8 * gap) / (long || 1);
    arrow(pen, [Math.floor(i / side) * gap - reach, (i % side) * gap - reach], [dx * length, dy * length], 5);
  });
}
/**
 * Values on a square grid, rows from above: the higher one is, the more of the colour its cell has.
 * @param {Pen} pen @param {NonNullable<Scene["heat"]>} heat
 */
function heat({ on }, { values }) {
  const all = values.flat(),
    low = Math.min(...all),
    high = Math.max(...all);
  const edge = (/** @type {number} */ place) => Math.round((place * on.canvas.width) / values.length);
  on.fillStyle = colour("--plot-1");
  values.forEach((row, i) =>
    row.forEach((value, j) => {
      on.globalAlpha = 0.55 * (high > low ? (value - low) / (high - low) : 0);
      on.fillRect(edge(j), edge(i), edge(j + 1) - edge(j), edge(i + 1) - edge(i));
    }),
  );
  on.globalAlpha = 1;
}
/** @param {Pen} pen @param {NonNullable<Scene["dots"]>} dots */
function dots(pen, { places, colour: name, faint }) {
  pen.on.globalAlpha = faint ? 0.25 : 0.75;
  places.forEach((place, i) => {
    pen.use(name(i));
    pen.disc(place, 2.6);
  });
  pen.on.globalAlpha = 1;
}
/** @param {Pen} pen @param {Mark} mark */
function drawMark(pen, mark) {
  switch (mark.kind) {
    case "path":
      line(pen, mark.places);
      for (const place of mark.places) pen.disc(place, 2.4);
      return pen.disc(mark.places[mark.at], 6);
    case "dots":
      return mark.places.forEach((place) => pen.disc(place, mark.radius ?? 3));
    case "circle":
      pen.on.beginPath();
      pen.on.arc(...pen.at(mark.at), Math.max(1, mark.radius * pen.scale), 0, 7);
      return pen.on.stroke();
    case "cross":
      return cross(pen, mark.at);
    case "line":
      return line(pen, mark.places);
    case "arrow":
      pen.on.lineWidth = 3 * pen.zoom;
      return arrow(pen, mark.at, mark.by, 11);
  }
}
/** @param {Pen} pen @param {Place} at */
function cross(pen, at) {
  const [x, y] = pen.at(at),
    arm = 7 * pen.zoom;
  pen.on.lineWidth = 3 * pen.zoom;
  pen.on.beginPath();
  for (const way of [1, -1]) {
    pen.on.moveTo(x - arm, y - way * arm);
    pen.on.lineTo(x + arm, y + way * arm);
  }
  pen.on.stroke();
}
