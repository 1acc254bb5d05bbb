// A sentence of the studio by a table of translations: its template is the key, its values fill the blanks.

/** @typedef {import("./engine.d.ts").Sentence} Sentence */
const OF_FIELDS = ["name", "field", "low", "high", "model", "image", "missing"]; // blanks where a setting may be named

/**
 * Stays English where the table lacks the template. `nameOf` is what the page calls a setting, "" for other words.
 * @param {Sentence} given @param {Record<string, string>} table @param {(field: string) => string} nameOf
 * @returns {string}
 */
export function translation({ message, template, values }, table, nameOf) {
  if (!Object.hasOwn(table, template ?? "")) return message;
  if (!Object.keys(values ?? {}).length) return table[template]; // braces in it are only braces
  return table[template].replace(/\{(\w+)\}/g, (blank, name) => {
    if (!Object.hasOwn(values, name)) return blank;
    const value = values[name];
    if (typeof value === "object") return translation(value, table, nameOf);
    return (OF_FIELDS.includes(name) && nameOf(value)) || value;
  });
}
