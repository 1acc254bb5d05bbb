// The mask editor: a dialog to paint over what should change. It keeps a list of operations, so undoing is drawing all
// but the last.
import { el, icon } from "./dom.js";
import { on } from "./events.js";
import { apply, exported, imported } from "./mask.js";
import { createMaskView } from "./mask_view.js";
import { t } from "./words.js";

const UNDO = "M6 3L3 6l3 3M3 6h6a4 4 0 0 1 0 8H7",
  REDO = "M10 3l3 3-3 3M13 6H7a4 4 0 0 0 0 8h2",
  CROSS = "M4 4l8 8M12 4l-8 8";
let wanted = null; // the size of the picture to come, to which the start picture is cut
on("size", (size) => {
  wanted = size;
});
const SMALLEST = 2,
  LARGEST = 60,
  USUAL = 14; // the brush, in hundredths of the picture's longer side

const MASK = { title: "mask", help: "mask.help", brush: USUAL };
const LINES = { title: "scribble.draw", help: "scribble.help", brush: SMALLEST };
const BLACK = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";

function createParts() {
  const tools = [];
  function tool(key, path) {
    const one = el("button", { type: "button", id: key.replace(".", "-"), class: path && "round" }, path && icon(path));
    tools.push([one, key]);
    return one;
  }
  const title = el("h2", { id: "mask-title" }),
    help = el("p", { class: "help" });
  const picture = el("img", { alt: "", draggable: "false" }),
    canvas = el("canvas", { role: "img" });
  const cut = el("span", { class: "cut" }),
    ring = el("span", { class: "ring", hidden: true });
  const stage = el("div", { class: "stage" }, picture, canvas, cut, ring);
  const easel = el("div", { class: "easel" }, stage);
  const brush = tool("mask.brush"),
    eraser = tool("mask.eraser");
  const size = el("input", { type: "range", id: "mask-size", min: SMALLEST, max: LARGEST, value: USUAL });
  const sizeName = el("span");
  const undo = tool("mask.undo", UNDO),
    redo = tool("mask.redo", REDO);
  const clear = tool("mask.clear"),
    fill = tool("mask.fill"),
    invert = tool("mask.invert");
  const whole = tool("mask.whole");
  const done = tool("mask.done"),
    close = tool("mask.close", CROSS);
  done.className = "primary";
  const node = el(
    "dialog",
    { id: "mask", tabindex: "-1", "aria-labelledby": "mask-title" },
    el("header", {}, title, done, close),
    help,
    easel,
    el(
      "div",
      { class: "tools" },
      el("span", { class: "either" }, brush, eraser),
      el("label", { class: "size" }, sizeName, size),
      el("span", { class: "group" }, undo, redo),
      el("span", { class: "group" }, clear, fill, invert, whole),
    ),
  );
  return {
    title,
    help,
    tools,
    sizeName,
    picture,
    canvas,
    cut,
    ring,
    stage,
    easel,
    brush,
    eraser,
    size,
    undo,
    redo,
    clear,
    fill,
    invert,
    whole,
    done,
    close,
    node,
  };
}

function say({ title, help, sizeName, canvas, tools }, use) {
  title.textContent = t(use.title);
  help.textContent = t(use.help);
  sizeName.textContent = t("mask.size");
  canvas.setAttribute("aria-label", t(use.title));
  for (const [one, key] of tools) {
    if (!one.firstElementChild) one.textContent = t(key);
    else {
      one.title = t(key);
      one.setAttribute("aria-label", t(key));
    }
  }
}
// What is cut off evenly on two sides, so that the rest has the form of the picture to come, lies in the dark.
function darken(cut, { width, height }) {
  const scale = wanted ? Math.min(width / wanted.width, height / wanted.height) : 0;
  const [x, y] = wanted ? [1 - (wanted.width * scale) / width, 1 - (wanted.height * scale) / height] : [0, 0];
  cut.style.inset = `${50 * y}% ${50 * x}%`;
  cut.hidden = x < 0.005 && y < 0.005;
}

// What was drawn, in order: undoing is drawing all but the last. `changed(some, more)`: there is something to undo, to redo.
function createHistory(canvas, changed) {
  let operations = [],
    undone = [];
  function redraw() {
    apply(canvas, { kind: "clear" });
    operations.forEach((operation) => {
      apply(canvas, operation);
    });
    changed(operations.length > 0, undone.length > 0);
  }
  function step(from, to) {
    if (from.length) to.push(from.pop());
    redraw();
  }
  return {
    redraw,
    add(operation) {
      operations.push(operation);
      undone = [];
      redraw();
    },
    undo: () => step(operations, undone),
    redo: () => step(undone, operations),
    begin(first) {
      operations = first;
      undone = [];
      redraw();
    },
  };
}

// open(picture's address, its size, a kept mask or null) -> what was painted when it closes, as a PNG or null.
// draw(a kept drawing or null) -> the same of the size of the picture to come, for lines drawn by hand.
export function createMaskEditor() {
  const all = createParts();
  const {
    picture,
    canvas,
    cut,
    stage,
    easel,
    brush,
    eraser,
    size,
    undo,
    redo,
    clear,
    fill,
    invert,
    whole,
    done,
    close,
    node,
  } = all;
  const view = createMaskView(easel, stage, () => {
    whole.hidden = view.plain();
  });
  let erasing = false,
    use = MASK;
  const describe = () => say(all, use);

  const history = createHistory(canvas, (some, more) => {
    undo.disabled = !some;
    redo.disabled = !more;
  });
  function erase(wanted) {
    erasing = wanted;
    brush.setAttribute("aria-pressed", String(!erasing));
    eraser.setAttribute("aria-pressed", String(erasing));
  }
  const wide = () => Math.max(1, (+size.value / 100) * Math.max(canvas.width, canvas.height));
  const painting = paintOn(all, view, { wide, erasing: () => erasing, history });

  // --- buttons and keys ---
  brush.addEventListener("click", () => erase(false));
  eraser.addEventListener("click", () => erase(true));
  undo.addEventListener("click", history.undo);
  redo.addEventListener("click", history.redo);
  clear.addEventListener("click", () => history.add({ kind: "clear" }));
  fill.addEventListener("click", () => history.add({ kind: "fill" }));
  whole.addEventListener("click", () => {
    view.reset();
    node.focus();
  }); // the button goes, and with it the focus
  invert.addEventListener("click", () => history.add({ kind: "invert" }));
  done.addEventListener("click", () => node.close("done"));
  close.addEventListener("click", () => node.close(""));
  const resize = (by) => {
    size.value = +size.value + by;
  };
  const KEYS = {
    b: () => erase(false),
    e: () => erase(true),
    "[": () => resize(-2),
    "]": () => resize(2),
    0: view.reset,
  };
  node.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey,
      key = event.key.toLowerCase();
    if (command && key === "z") (event.shiftKey ? history.redo : history.undo)();
    else if (command && key === "y") history.redo();
    else if (command && key === "enter") {
      event.stopPropagation();
      node.close("done");
    } else if (!command && KEYS[key]) KEYS[key]();
    else return;
    event.preventDefault();
  });
  on("language", describe);
  describe();

  async function open(source, { width, height }, kept, purpose = MASK) {
    if (purpose !== use) size.value = purpose.brush;
    use = purpose;
    node.classList.toggle("lines", use === LINES);
    describe();
    Object.assign(canvas, { width, height });
    view.reset();
    stage.style.setProperty("--ratio", width / height);
    picture.src = source;
    darken(cut, { width, height });
    erase(erasing);
    history.begin(kept ? [{ kind: "kept", pixels: await imported(kept, { width, height }) }] : []);
    node.returnValue = "";
    node.showModal();
    done.focus();
    await new Promise((closed) => node.addEventListener("close", closed, { once: true }));
    painting.end();
    if (node.returnValue !== "done") return kept;
    return exported(canvas, canvas.getContext("2d").getImageData(0, 0, width, height));
  }
  const draw = (kept) => open(BLACK, wanted ?? { width: 512, height: 512 }, kept, LINES);
  return { node, open, draw };
}

// Painting with mouse, finger and pen alike; the far end of a pen erases. `end()` forgets a stroke that was not let go.
function paintOn({ canvas, ring }, view, { wide, erasing, history }) {
  let stroke = null;
  function place(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * canvas.width, ((event.clientY - top) / height) * canvas.height];
  }
  function aim(event) {
    const { left, top, width } = canvas.getBoundingClientRect();
    const across = (wide() / canvas.width) * (width / view.scale()),
      zoom = view.scale();
    ring.hidden = event.pointerType === "touch" && !stroke;
    Object.assign(ring.style, {
      width: `${across}px`,
      height: `${across}px`,
      left: `${(event.clientX - left) / zoom}px`,
      top: `${(event.clientY - top) / zoom}px`,
    });
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (view.moving()) {
      drop();
      return;
    }
    if (stroke || (event.button !== 0 && event.button !== 5)) return;
    canvas.setPointerCapture(event.pointerId);
    stroke = {
      kind: "stroke",
      pointer: event.pointerId,
      points: [place(event)],
      size: wide(),
      erase: erasing() || event.button === 5,
    };
    apply(canvas, stroke);
    aim(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    aim(event);
    if (stroke?.pointer !== event.pointerId) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    const points = (passed.length ? passed : [event]).map(place);
    apply(canvas, { ...stroke, points: [stroke.points.at(-1), ...points] });
    stroke.points.push(...points);
  });
  // A second finger makes a pinch of what had begun as a stroke.
  function drop() {
    if (!stroke) return;
    stroke = null;
    history.redraw();
  }
  const lift = (event) => {
    if (stroke?.pointer !== event.pointerId) return;
    const finished = stroke;
    stroke = null;
    ring.hidden = event.pointerType === "touch";
    history.add(finished);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => {
    if (!stroke) ring.hidden = true;
  });
  return {
    end: () => {
      stroke = null;
    },
  };
}
