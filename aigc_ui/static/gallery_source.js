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
 * @param {{ begun: (answer: Answer, same: boolean) => void, more: () => void, failed: (error: unknown) => void }} tell
 */
export function createSource(ask, tell) {
  const pieces = createPieces();
  /** @type {number[]} */
  let wanted = [];
  let [round, busy] = [0, false];

  /** @param {boolean} same the question as before */
  async function begin(same) {
    const mine = ++round;
    try {
      const answer = await ask(0, PIECE);
      if (mine !== round) return;
      pieces.begin(answer, same);
      tell.begun(answer, same);
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
        pieces.keep(piece, answer);
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
  /** All between two places, both included, also those that were never in sight. @param {number} first @param {number} last */
  async function between(first, last) {
    const found = [];
    for (let index = first; index <= last; index++) {
      const piece = Math.floor(index / PIECE);
      if (!pieces.has(piece)) pieces.keep(piece, await ask(piece * PIECE, PIECE));
      const picture = pieces.at(index);
      if (picture) found.push(picture);
    }
    return found;
  }
  const { at, known, total } = pieces;
  return { restart: () => begin(false), refresh: () => begin(true), want, at, between, known, total };
}

/** What is here of an answer, in pieces by their numbers. */
function createPieces() {
  /** @type {Map<number, Picture[]>} */
  const pieces = new Map();
  /** Of before a refresh, shown until they are here anew. @type {Map<number, Picture[]>} */
  let before = new Map();
  let total = 0;
  /** @param {number} piece @param {Answer} answer */
  function keep(piece, answer) {
    total = answer.total;
    pieces.set(piece, answer.pictures);
    for (const old of pieces.keys()) {
      if (pieces.size <= MOST_PIECES) break;
      if (old !== piece) pieces.delete(old);
    }
  }
  return {
    keep,
    /** @param {Answer} answer @param {boolean} same */
    begin: (answer, same) => {
      before = new Map(same ? [...before, ...pieces].slice(-MOST_PIECES) : []);
      pieces.clear();
      keep(0, answer);
    },
    /** @param {number} piece */
    has: (piece) => pieces.has(piece),
    /** @param {number} index @returns {Picture | undefined} undefined while it is not here */
    at: (index) => {
      const piece = Math.floor(index / PIECE);
      return index < total ? (pieces.get(piece) ?? before.get(piece))?.[index % PIECE] : undefined;
    },
    /** The pictures that are here with these ids. @param {Set<string>} ids */
    known: (ids) => {
      const here = [...before.values(), ...pieces.values()].flat();
      return [...new Map(here.map((picture) => [picture.id, picture])).values()].filter(({ id }) => ids.has(id));
    },
    total: () => total,
  };
}
