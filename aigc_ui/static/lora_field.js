// The field of LoRAs, as pipelines/requests/loras.py reads it: ink lines:0.8, "a, b":1:0.5.

/** Its parts, each a name with its weights. @param {string} text */
export const partsOf = (text) => (text.match(/(?:"[^"]*"|[^,])+/g) ?? []).map((part) => part.trim()).filter(Boolean);

/** @param {string} part */
export const nameOf = (part) => (/^"([^"]*)"\s*(?::|$)/.exec(part)?.[1] ?? part.split(":")[0]).trim();

/** A name as it stands in a part. @param {string} name */
export const quoted = (name) => (name.includes(",") && !name.includes('"') ? `"${name}"` : name);
