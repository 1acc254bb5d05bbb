// Functions of one thing at a time: of what arrives meanwhile only the newest is kept.
export function newest(show) {
  let next = null,
    busy = false;
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

// The same, but what is shown may be slow to begin: after `patience` ms the newest goes beside the one before it.
export function overtaking(show, patience) {
  let next = null,
    busy = 0,
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
  return (item) => {
    next = item;
    if (!busy) return go();
    if (busy < 2)
      timer ||= setTimeout(() => {
        timer = 0;
        if (next) go();
      }, patience);
  };
}
