// What this browser remembers; private windows may refuse.
/** @param {string} key */
export function remembered(key) {
  try {
    return localStorage.getItem(`aigc.${key}`);
  } catch {
    return null;
  }
}
/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(`aigc.${key}`, value);
  } catch {
    /* nothing to remember it in */
  }
}
