// The fields of a request for a picture: what they are called, what they are unsaid, and whether they matter.
import table from "./fields_table.js";
import { has, t } from "./words.js";

/** @typedef {Partial<import("./engine.d.ts").RequestFields> & Record<string, any>} Settings */

/** Every field as it is where nobody says anything of it. @returns {Settings} */
export const defaults = () => Object.fromEntries(Object.entries(table).map(([name, field]) => [name, field.default]));

/** The fields of a group of settings, in the order in which they stand. @param {string} group */
export const inGroup = (group) => Object.keys(table).filter((name) => table[name].group === group);

/** The settings that say from which step of which picture it goes on. @param {Settings} settings */
export const branchFields = (settings) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => name.startsWith("branch_")));

/** Whether two values of a field are the same, one of them perhaps as a box for text holds it. @param {any} one @param {any} other */
export const same = (one, other) =>
  typeof one === "object" || typeof other === "object"
    ? JSON.stringify(one ?? []) === JSON.stringify(other ?? [])
    : String(one) === String(other);

/** Of several units of one kind all have the words of the first. @param {string} name */
export const declared = (name) => table[name]?.declared ?? name;

/** What the page calls a field, "" for one without a word; of a second unit with its number. @param {string} name */
export function label(name) {
  const key = `field.${declared(name)}`;
  if (!has(key)) return "";
  const number = declared(name) === name ? "" : name.match(/^[a-z]+(\d)_/)?.[1];
  return number ? `${t(key)} ${number}` : t(key);
}

/** @param {any} value @param {any} unsaid */
const isSet = (value, unsaid) => value != null && JSON.stringify(value) !== JSON.stringify(unsaid);

/** Whether a field changes nothing, as what it needs is not there. @param {string} name @param {Settings} request */
export function idle(name, request) {
  const needs = table[name]?.needs ?? [];
  return !needs.every((group) => group.some((other) => isSet(request[other], table[other].default)));
}
