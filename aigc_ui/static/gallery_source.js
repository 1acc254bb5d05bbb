// The pictures that a question has found, fetched in pieces as they come into sight: one question at a time, and what
// has been scrolled past before its turn came is not fetched at all.

/**
 * @typedef {import("./types.d.ts").GalleryPicture} Picture
 * @typedef {import("./types.d.ts").GalleryAnswer} Answer
 */

export const PIECE = 100;
const MOST_PIECES = 60;

/**
 * @param {(offset: number, limit: number) => Promise<Answer>} ask
 * @param {{ begun: (answer: Answer) => void, more: () => void, failed: (error: unknown) => void }} tell
 */
export function createSource(ask, tell) {
  /** @type {Map<number, Picture[]>} */
  const pieces = new Map();
  /** @type {number[]} */
  let wanted = [];
  let [total, round, busy] = [0, 0, false];

  /** @param {number} piece @param {Answer} answer */
  function keep(piece, answer) {
    total = answer.total;
    pieces.set(piece, answer.pictures);
    for (const old of pieces.keys()) {
      if (pieces.size <= MOST_PIECES) break;
      if (old !== piece) pieces.delete(old);
    }
  }
  /** A new question, or the same one anew. */
  async function restart() {
    const mine = ++round;
    try {
      const answer = await ask(0, PIECE);
      if (mine !== round) return;
      pieces.clear();
      keep(0, answer);
      tell.begun(answer);
    } catch (error) {
      if (mine === round) tell.failed(error);
    }
  }
  async function fetchWanted() {
    if (busy) return;
    busy = true;
    for (let piece = wanted.shift(); piece !== undefined; piece = wanted.shift()) {
      const mine = round;
      try {
        const answer = await ask(piece * PIECE, PIECE);
        if (mine !== round) continue;
        keep(piece, answer);
        tell.more();
      } catch (error) {
        wanted = [];
        tell.failed(error);
      }
    }
    busy = false;
  }
  /** What is in sight, and is fetched where it is not here. @param {number} from @param {number} to */
  function want(from, to) {
    wanted = [];
    for (let piece = Math.floor(from / PIECE); piece * PIECE < to; piece++) if (!pieces.has(piece)) wanted.push(piece);
    fetchWanted();
  }
  /** @param {number} index @returns {Picture | undefined} undefined while it is not here */
  const at = (index) => pieces.get(Math.floor(index / PIECE))?.[index % PIECE];
  /** All between two places, both included, also those that were never in sight. @param {number} first @param {number} last */
  async function between(first, last) {
    const found = [];
    for (let index = first; index <= last; index++) {
      if (!at(index)) keep(Math.floor(index / PIECE), await ask(Math.floor(index / PIECE) * PIECE, PIECE));
      const picture = at(index);
      if (picture) found.push(picture);
    }
    return found;
  }
  /** The pictures that are here with these ids. @param {Set<string>} ids */
  const known = (ids) => [...pieces.values()].flat().filter(({ id }) => ids.has(id));
  return { restart, want, at, between, known, total: () => total };
}
