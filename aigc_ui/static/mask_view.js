// Looking closer at the mask: the wheel and two fingers zoom, the middle button, Space and two fingers move the picture.

const MOST = 12;

// easel: the frame that stays; stage: what is moved in it. changed() is called whenever the view is another.
export function createMaskView(easel, stage, changed) {
  let scale = 1,
    x = 0,
    y = 0,
    space = false,
    drag = null;
  const fingers = new Map();

  function show() {
    const { clientWidth: width, clientHeight: height } = stage;
    x = Math.min(0, Math.max(x, width * (1 - scale)));
    y = Math.min(0, Math.max(y, height * (1 - scale)));
    stage.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    changed();
  }
  const reset = () => {
    scale = 1;
    x = y = 0;
    show();
  };
  // What lies under the point stays under it.
  function zoom(by, clientX, clientY) {
    const { left, top } = stage.getBoundingClientRect();
    const next = Math.min(MOST, Math.max(1, scale * by));
    x -= (clientX - left) * (next / scale - 1);
    y -= (clientY - top) * (next / scale - 1);
    scale = next;
    show();
  }
  const pair = () => {
    const [a, b] = fingers.values();
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  };

  stage.style.transformOrigin = "0 0";
  easel.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / (event.deltaMode ? 20 : 400)), event.clientX, event.clientY);
    },
    { passive: false },
  );
  // Before the canvas hears of it: its own listener asks moving() whether to paint.
  easel.addEventListener(
    "pointerdown",
    (event) => {
      if (event.pointerType === "touch") fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (event.button === 1 || (space && event.button === 0)) {
        drag = { pointer: event.pointerId, x: event.clientX, y: event.clientY };
        easel.setPointerCapture(event.pointerId);
        event.preventDefault();
      }
    },
    true,
  );
  easel.addEventListener(
    "pointermove",
    (event) => {
      if (drag?.pointer === event.pointerId) {
        x += event.clientX - drag.x;
        y += event.clientY - drag.y;
        Object.assign(drag, { x: event.clientX, y: event.clientY });
        show();
      }
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? pair() : null;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!before) return;
      const now = pair();
      x += now.x - before.x;
      y += now.y - before.y;
      zoom(now.apart / before.apart, now.x, now.y);
    },
    true,
  );
  const lift = (event) => {
    fingers.delete(event.pointerId);
    if (drag?.pointer === event.pointerId) drag = null;
  };
  for (const name of ["pointerup", "pointercancel"]) easel.addEventListener(name, lift, true);
  const held = (down) => (event) => {
    if (event.key !== " " || event.target.closest?.("button") || !easel.isConnected) return;
    space = down && Boolean(easel.closest("dialog[open]"));
    easel.classList.toggle("moving", space);
    if (space) event.preventDefault();
  };
  document.addEventListener("keydown", held(true));
  document.addEventListener("keyup", held(false));

  return { reset, scale: () => scale, plain: () => scale === 1, moving: () => Boolean(drag) || fingers.size > 1 };
}
