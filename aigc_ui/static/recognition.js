// A sentence that comes as English alone, as notes of recipes do, is recognised by the templates of a table.

/** @typedef {import("./engine.d.ts").Sentence} Sentence */
/** @typedef {{ template: string, names: string[], pattern: RegExp, piece: string, letters: number }} Form */
const LEAST = 12; // letters of its own that a template needs: "{label}: {why}" would fit anything
const LONGEST = 600;
const DEEPEST = 3;

/** @type {WeakMap<object, Form[]>} */
const known = new WeakMap();

/** The sentence that a text is; one without a template where no template fits.
 * @param {string} text @param {Record<string, string>} table @returns {Sentence} */
export function recognised(text, table, deepest = DEEPEST) {
  if (Object.hasOwn(table, text)) return { message: text, template: text, values: {} };
  const plain = { message: text, template: "", values: {} };
  if (text.length > LONGEST || !deepest) return plain;
  for (const { template, names, pattern, piece } of forms(table)) {
    const parts = text.includes(piece) && pattern.exec(text);
    if (!parts) continue;
    const values = Object.fromEntries(names.map((name, i) => [name, inside(parts[i + 1], table, deepest - 1)]));
    return { message: text, template, values };
  }
  return plain;
}
/** A value that is a sentence itself is translated too.
 * @param {string} value @param {Record<string, string>} table @param {number} deepest */
function inside(value, table, deepest) {
  const sentence = value.length < LEAST ? null : recognised(value, table, deepest);
  return sentence?.template ? sentence : value;
}

/** The templates with blanks, those with the most letters first: where two fit, that one says more.
 * @param {Record<string, string>} table */
function forms(table) {
  const before = known.get(table);
  if (before) return before;
  const useful = Object.keys(table)
    .map(form)
    .filter((one) => one.names.length && one.letters >= LEAST)
    .sort((a, b) => b.letters - a.letters);
  known.set(table, useful);
  return useful;
}
/** @param {string} template @returns {Form} */
function form(template) {
  const names = [...new Set([...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))];
  const pieces = template.split(/\{\w+\}/);
  const seen = new Set();
  const source = template
    .replace(/[.*+?^$()|[\]\\]|\{(?!\w+\})|(?<!\{\w+)\}/g, "\\$&")
    .replace(/\{(\w+)\}/g, (_, name) => {
      if (seen.has(name)) return `\\${names.indexOf(name) + 1}`;
      seen.add(name);
      return "([^]*?)";
    });
  return {
    template,
    names,
    pattern: new RegExp(`^${source}$`),
    piece: pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), ""),
    letters: pieces.join("").length,
  };
}
