// Looking closer at the mask: the wheel and two fingers zoom, the middle button, Space and two fingers move the
// picture.

/**
 * @typedef {{ x: number, y: number }} Place of a pointer, in pixels of the screen
 * @typedef {{ node: HTMLElement, move: (x: number, y: number) => void, zoom: (by: number, at: Place, moved?: Place) =>
 * void,   reset: () => void, scale: () => number }} Stage
 */

const MOST = 12;

/**
 * What is moved: its scale and place, held so that it covers its frame.
 * @param {HTMLElement} node
 * @param {() => void} changed
 * @returns {Stage}
 */
function createStage(node, changed) {
  let scale = 1,
    x = 0,
    y = 0;
  function show() {
    const { clientWidth: width, clientHeight: height } = node;
    x = Math.min(0, Math.max(x, width * (1 - scale)));
    y = Math.min(0, Math.max(y, height * (1 - scale)));
    node.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    changed();
  }
  node.style.transformOrigin = "0 0";
  return {
    node,
    scale: () => scale,
    move(by, down) {
      x += by;
      y += down;
      show();
    },
    // What lies under the point stays under it; `moved` is how far it has gone meanwhile.
    zoom(by, at, moved = { x: 0, y: 0 }) {
      const { left, top } = node.getBoundingClientRect();
      const next = Math.min(MOST, Math.max(1, scale * by));
      x += moved.x - (at.x - left) * (next / scale - 1);
      y += moved.y - (at.y - top) * (next / scale - 1);
      scale = next;
      show();
    },
    reset() {
      scale = 1;
      x = y = 0;
      show();
    },
  };
}

/** Whether Space is held over the easel of an open dialog. @param {HTMLElement} easel */
function watchSpace(easel) {
  let space = false;
  /** @param {boolean} down */
  const held = (down) => (/** @type {KeyboardEvent} */ event) => {
    const onButton = event.target instanceof Element && event.target.closest("button");
    if (event.key !== " " || onButton || !easel.isConnected) return;
    space = down && Boolean(easel.closest("dialog[open]"));
    easel.classList.toggle("moving", space);
    if (space) event.preventDefault();
  };
  document.addEventListener("keydown", held(true));
  document.addEventListener("keyup", held(false));
  return () => space;
}

/**
 * One pointer moves the stage: the middle button, or with Space the first.
 * @param {HTMLElement} easel
 * @param {Stage} stage
 */
function createDrag(easel, stage) {
  const space = watchSpace(easel);
  /** @type {(Place & { pointer: number }) | null} */
  let drag = null;
  return {
    /** @param {PointerEvent} event */
    begin(event) {
      if (event.button !== 1 && !(space() && event.button === 0)) return;
      drag = { pointer: event.pointerId, x: event.clientX, y: event.clientY };
      easel.setPointerCapture(event.pointerId);
      event.preventDefault();
    },
    /** @param {PointerEvent} event */
    go(event) {
      if (drag?.pointer !== event.pointerId) return;
      stage.move(event.clientX - drag.x, event.clientY - drag.y);
      Object.assign(drag, { x: event.clientX, y: event.clientY });
    },
    /** @param {PointerEvent} event */
    end(event) {
      if (drag?.pointer === event.pointerId) drag = null;
    },
    going: () => drag !== null,
  };
}

/** Two fingers move and zoom at once. @param {Stage} stage */
function createPinch(stage) {
  /** @type {Map<number, Place>} */
  const fingers = new Map();
  const pair = () => {
    const [a, b] = fingers.values();
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  };
  return {
    /** @param {PointerEvent} event */
    begin(event) {
      if (event.pointerType === "touch") fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    /** @param {PointerEvent} event */
    go(event) {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? pair() : null;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!before) return;
      const now = pair();
      stage.zoom(now.apart / before.apart, now, { x: now.x - before.x, y: now.y - before.y });
    },
    /** @param {PointerEvent} event */
    end: (event) => fingers.delete(event.pointerId),
    going: () => fingers.size > 1,
  };
}

/**
 * `easel` is the frame that stays, `picture` what is moved in it; `changed()` is called whenever the view is another.
 * @param {HTMLElement} easel
 * @param {HTMLElement} picture
 * @param {() => void} changed
 */
export function createMaskView(easel, picture, changed) {
  const stage = createStage(picture, changed),
    ways = [createPinch(stage), createDrag(easel, stage)];
  easel.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      stage.zoom(Math.exp(-event.deltaY / (event.deltaMode ? 20 : 400)), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
  // Before the canvas hears of it: its own listener asks moving() whether to paint.
  easel.addEventListener("pointerdown", (event) => ways.forEach((way) => way.begin(event)), true);
  easel.addEventListener("pointermove", (event) => ways.forEach((way) => way.go(event)), true);
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"]))
    easel.addEventListener(name, (event) => ways.forEach((way) => way.end(event)), true);
  return {
    reset: stage.reset,
    scale: stage.scale,
    plain: () => stage.scale() === 1,
    moving: () => ways.some((way) => way.going()),
  };
}
