/**
 * Functions of one thing at a time: of what arrives meanwhile only the newest is kept.
 * @template Item @param {(item: Item) => unknown} show @returns {(item: Item) => Promise<void>}
 */
export function newest(show) {
  /** @type {Item | null} */
  let next = null;
  let busy = false;
  return async (item) => {
    next = item;
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const now = next;
        next = null;
        await show(now);
      }
    } finally {
      busy = false;
    }
  };
}

/**
 * The same, but what is shown may be slow to begin: after `patience` ms the newest goes beside the one before it.
 * @template Item @param {(item: Item) => unknown} show @param {number} patience
 */
export function overtaking(show, patience) {
  /** @type {Item | null} */
  let next = null;
  let busy = 0,
    timer = 0;
  async function go() {
    clearTimeout(timer);
    timer = 0;
    busy++;
    try {
      while (next) {
        const now = next;
        next = null;
        await show(now);
      }
    } finally {
      busy--;
    }
  }
  return (/** @type {Item} */ item) => {
    next = item;
    if (!busy) return go();
    if (busy < 2)
      timer ||= setTimeout(() => {
        timer = 0;
        if (next) go();
      }, patience);
  };
}
