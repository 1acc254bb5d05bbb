// A family drawn from left to right: pictures as buttons, lines between them. Only what is in sight is in the page.
import { el } from "./dom.js";
import { url } from "./http.js";
import { beside, placed } from "./kin_layout.js";
import { mark } from "./plot_drawing.js";
import { t } from "./words.js";

/**
 * @typedef {import("./types.d.ts").Kin} Kin
 * @typedef {import("./types.d.ts").KinNode} KinNode
 * @typedef {import("./kin_layout.js").Place} Place
 */

const WIDE = 116,
  HIGH = 142,
  ACROSS = WIDE + 60,
  DOWN = HIGH + 16,
  EDGE = 20;
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** @param {{ choose: (key: string) => void, open: () => void, cut: () => void }} act */
export function createTree(act) {
  /** @type {Map<string, Place>} */
  let places = new Map();
  /** @type {Map<string, KinNode>} */
  let nodes = new Map();
  /** @type {Kin["edges"]} */
  let edges = [];
  let chosen = "";
  const lines = mark("svg", { "aria-hidden": "true" }),
    layer = el("div", { class: "kin-layer" }),
    canvas = el("div", { class: "kin-canvas" }),
    node = el("div", { class: "kin-tree", role: "group" }, canvas);
  canvas.append(lines, layer);

  /** @param {Kin} kin @param {string} key of the one that is chosen */
  function show(kin, key) {
    [places, nodes, edges] = [placed(kin), new Map(kin.nodes.map((one) => [one.key, one])), kin.edges];
    const all = [...places.values()];
    const columns = all.reduce((most, { column }) => Math.max(most, column), 0),
      rows = all.length ? all[all.length - 1].row : 0;
    canvas.style.width = `${2 * EDGE + columns * ACROSS + WIDE}px`;
    canvas.style.height = `${2 * EDGE + rows * DOWN + HIGH}px`;
    choose(key);
  }
  /** @param {string} key */
  function choose(key, focus = false) {
    chosen = key;
    const place = places.get(key);
    if (place) bring(node, place);
    draw();
    if (focus) button(key)?.focus({ preventScroll: true });
    act.choose(key);
  }
  /** @param {string} key @returns {HTMLElement | null} */
  const button = (key) => layer.querySelector(`[data-key="${CSS.escape(key)}"]`);

  function draw() {
    const focus = layer.contains(document.activeElement);
    const sight = { left: node.scrollLeft, top: node.scrollTop, wide: node.clientWidth, high: node.clientHeight };
    const near = [...places.values()].filter((place) => within(corner(place), sight));
    layer.replaceChildren(
      ...near.map((place) => tile(place, /** @type {KinNode} */ (nodes.get(place.key)), place.key === chosen)),
    );
    if (focus) button(chosen)?.focus({ preventScroll: true });
    drawLines(lines, edges, places, sight);
  }
  node.addEventListener("scroll", () => requestAnimationFrame(draw));
  listen(layer, act, (key, arrow) => choose(arrow ? beside(key, arrow, places) : key, true));
  return {
    node,
    show,
    draw,
    focus: () => button(chosen)?.focus({ preventScroll: true }),
    /** @param {string} key */
    kinds: (key) => kindsOf(places.get(key)),
    say: () => node.setAttribute("aria-label", t("kin.tree")),
  };
}

/** @param {HTMLElement} layer @param {Parameters<typeof createTree>[0]} act @param {(key: string, arrow?: string) => void} choose */
function listen(layer, act, choose) {
  layer.addEventListener("click", (event) => {
    const key = keyOf(event);
    if (key) choose(key);
  });
  layer.addEventListener("dblclick", act.open);
  layer.addEventListener("keydown", (event) => {
    const key = keyOf(event);
    if (!key || event.ctrlKey || event.altKey || event.metaKey) return;
    if (ARROWS.includes(event.key)) choose(key, event.key);
    else if (event.key === "Enter") act.open();
    else if (event.key === "Delete") act.cut();
    else return;
    event.preventDefault();
  });
}
/** Scrolls a place into sight. @param {HTMLElement} node @param {Place} place */
function bring(node, place) {
  const [x, y] = corner(place);
  const { scrollLeft, scrollTop, clientWidth, clientHeight } = node;
  if (x < scrollLeft || x + WIDE > scrollLeft + clientWidth) node.scrollLeft = x - (clientWidth - WIDE) / 2;
  if (y < scrollTop || y + HIGH > scrollTop + clientHeight) node.scrollTop = y - (clientHeight - HIGH) / 2;
}
/** @param {Event} event */
const keyOf = (event) =>
  /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-key]"))?.dataset.key ?? "";
/** @param {Place} place @returns {[number, number]} */
const corner = ({ column, row }) => [EDGE + column * ACROSS, EDGE + row * DOWN];
/** @param {Place | undefined} place */
const kindsOf = (place) =>
  (place?.kinds.length ? place.kinds : ["first"]).map((kind) => t(`kin.kind.${kind}`)).join(" · ");
/** @typedef {{ left: number, top: number, wide: number, high: number }} Sight */
/** @param {[number, number]} corner @param {Sight} sight */
const within = ([x, y], { left, top, wide, high }) =>
  x > left - ACROSS && x < left + wide + ACROSS && y > top - 2 * DOWN && y < top + high + DOWN;

/** @param {Place} place @param {KinNode} kin @param {boolean} chosen */
function tile(place, { key, picture, shown }, chosen) {
  const source = picture ? url(`gallery/${encodeURIComponent(key)}/thumbnail`) : shown && url(`inputs/${shown}.png`);
  const [x, y] = corner(place);
  const what = picture ? kindsOf(place) : t(shown ? "kin.brought" : "kin.gone");
  const title = picture ? picture.title || t("gallery.untitled") : what;
  const image = source ? el("img", { src: source, alt: "", onerror: forgo }) : "";
  const attributes = {
    type: "button",
    class: picture ? "kin" : "kin gone",
    "data-key": key,
    "aria-pressed": String(chosen),
    tabindex: chosen ? 0 : -1,
    title,
    "aria-label": picture ? `${what}: ${title}` : what,
    style: `left:${x}px;top:${y}px`,
  };
  return el("button", attributes, el("span", { class: "frame" }, image), el("span", { class: "caption" }, what));
}
/** @param {Event} event of a picture that cannot be shown */
const forgo = (event) => /** @type {Element} */ (event.target).remove();

/** @param {SVGElement} svg @param {Kin["edges"]} edges @param {Map<string, Place>} places @param {Sight} sight */
function drawLines(svg, edges, places, { left, top, wide, high }) {
  svg.setAttribute("viewBox", `${left} ${top} ${wide} ${high}`);
  svg.setAttribute("style", `left:${left}px;top:${top}px;width:${wide}px;height:${high}px`);
  const paths = [];
  for (const { parent, child } of edges) {
    const [from, to] = [places.get(parent), places.get(child)];
    if (!from || !to || from === to) continue;
    const [x, y] = corner(from),
      [u, v] = corner(to);
    const apart = Math.max(x, u) + WIDE < left || Math.min(x, u) > left + wide;
    if (apart || Math.max(y, v) + HIGH < top || Math.min(y, v) > top + high) continue;
    paths.push(line(x + WIDE, y + HIGH / 2 - 14, u, v + HIGH / 2 - 14, to.parent !== parent));
  }
  svg.replaceChildren(...paths);
}
/** @param {number} x @param {number} y @param {number} u @param {number} v @param {boolean} aside */
function line(x, y, u, v, aside) {
  const bend = Math.max(24, Math.abs(u - x) / 2);
  const d = `M${x} ${y}C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`;
  return mark("path", aside ? { d, class: "aside" } : { d });
}
