// Where the pictures of a family stand: a generation a column, from left to right, children beside their parents. Without
// recursion, for a family may be ten thousand deep, and in any order, for recipes may name one another in a circle.

/**
 * @typedef {import("./types.d.ts").Kin} Kin
 * @typedef {{ key: string, column: number, row: number, parent: string | null, children: string[], kinds: string[] }} Place
 * `parent` is the one beside which it stands, `kinds` how it was made from its parents
 */

/** @param {Pick<Kin, "edges"> & { nodes: { key: string }[] }} kin @returns {Map<string, Place>} in the order of the rows */
export function placed({ nodes, edges }) {
  /** @type {Map<string, Place>} */
  const places = new Map(
    nodes.map(({ key }) => [key, { key, column: 0, row: -1, parent: null, children: [], kinds: [] }]),
  );
  const known = edges.filter(({ parent, child }) => places.has(parent) && places.has(child));
  for (const { child, kind } of known) {
    const { kinds } = /** @type {Place} */ (places.get(child));
    if (!kinds.includes(kind)) kinds.push(kind);
  }
  const below = childrenOf(known);
  const roots = nodes.filter(({ key }) => !places.get(key)?.kinds.length);
  const seen = new Set();
  for (const { key } of [...roots, ...nodes]) spread(key, places, below, seen); // a circle has no root
  return rowed(places);
}

/** @param {Kin["edges"]} edges */
function childrenOf(edges) {
  /** @type {Map<string, string[]>} */
  const below = new Map();
  for (const { parent, child } of edges) {
    const children = below.get(parent);
    if (children) children.push(child);
    else below.set(parent, [child]);
  }
  return below;
}

/** Gives each that was not seen yet a parent and a column. @param {string} root @param {Map<string, Place>} places
 * @param {Map<string, string[]>} below @param {Set<string>} seen */
function spread(root, places, below, seen) {
  if (seen.has(root)) return;
  seen.add(root);
  const waiting = [root];
  for (let at = 0; at < waiting.length; at++) {
    const place = places.get(waiting[at]);
    for (const child of below.get(waiting[at]) ?? []) {
      const other = places.get(child);
      if (!place || !other || seen.has(child)) continue;
      seen.add(child);
      [other.parent, other.column] = [place.key, place.column + 1];
      place.children.push(child);
      waiting.push(child);
    }
  }
}

/** The last of a line get rows one after the other; who has children stands in their middle.
 * @param {Map<string, Place>} places */
function rowed(places) {
  let rows = 0;
  const ordered = [];
  for (const root of [...places.values()].filter(({ parent }) => parent === null)) {
    /** @type {[Place, boolean][]} */
    const stack = [[root, false]];
    for (let top = stack.pop(); top; top = stack.pop()) {
      const [place, back] = top;
      const children = place.children.map((key) => /** @type {Place} */ (places.get(key)));
      if (back) place.row = (children[0].row + children[children.length - 1].row) / 2;
      else if (!children.length) place.row = rows++;
      else
        stack.push(
          [place, true],
          ...children.reverse().map((child) => /** @type {[Place, boolean]} */ ([child, false])),
        );
      if (back || !children.length) ordered.push(place);
    }
  }
  return new Map(ordered.sort((a, b) => a.row - b.row || a.column - b.column).map((place) => [place.key, place]));
}

/** A picture and all that descend from it, each once. @param {string} key @param {import("./types.d.ts").KinEdge[]} edges */
export function descendants(key, edges) {
  const below = childrenOf(edges);
  const found = new Set([key]);
  for (const one of found) for (const child of below.get(one) ?? []) found.add(child);
  return [...found];
}

/** Those that are here of a picture and all that descend from it. @param {Kin} kin @param {string} key */
export function lineOf(kin, key) {
  const keys = new Set(descendants(key, kin.edges));
  return kin.nodes.flatMap(({ key, picture }) => (picture && keys.has(key) ? [picture] : []));
}

/** The nearest that is here on the way up from a picture, "" for none. @param {Kin} kin @param {string} key */
export function nearestAbove({ nodes, edges }, key) {
  const here = new Set(nodes.filter(({ picture }) => picture).map(({ key }) => key));
  const seen = new Set([key]);
  for (const one of seen) for (const { parent, child } of edges) if (child === one) seen.add(parent);
  return [...seen].find((one) => one !== key && here.has(one)) ?? "";
}

/** Where an arrow leads from a place; itself where there is nothing. @param {string} key @param {string} arrow
 * @param {Map<string, Place>} places */
export function beside(key, arrow, places) {
  const from = places.get(key);
  if (!from) return key;
  if (arrow === "ArrowLeft") return from.parent ?? key;
  if (arrow === "ArrowRight") return from.children[0] ?? key;
  const column = [...places.values()].filter(({ column }) => column === from.column);
  const at = column.indexOf(from) + (arrow === "ArrowDown" ? 1 : arrow === "ArrowUp" ? -1 : 0);
  return column[at]?.key ?? key;
}
