// What stands on the plane of the points at one step: the points, the field, and what belongs to the one that is followed.

/**
 * @typedef {import("./types.d.ts").PointsAnswer} Answer
 * @typedef {import("./types.d.ts").Place} Place
 * @typedef {import("./types.d.ts").Mark} Mark
 * @typedef {import("./types.d.ts").GuidanceAnswer & { at: Place }} Scores at the followed point
 * @typedef {"forward" | "back"} Way
 * @typedef {{ way: Way, at: number, followed: number | null, arrows: boolean }} Look step 0 is the data's end
 */

const CLASSES = 8; // colours; classes beyond them begin again
const LONGEST = 0.8,
  LENGTH = 0.35; // of an arrow, in reaches; and of a score of 1 where it fits
/** What guidance puts together, with the colours of their arrows. @type {[keyof import("./types.d.ts").GuidanceAnswer, string][]} */
export const SCORES = [
  ["unconditional", "--plot-4"],
  ["conditional", "--plot-2"],
  ["guided", "--plot-3"],
];

/** Whether that point is among those of the answer. @param {Answer | null | undefined} answer @param {number | null} followed */
export const following = (answer, followed) => answer != null && followed != null && followed < answer.labels.length;

/**
 * `scores` are those at the followed point, where they are to be seen.
 * @param {Answer} answer @param {Look} look @param {Scores | null} scores @returns {import("./types.d.ts").Scene}
 */
export function sceneOf(answer, look, scores) {
  const { way, at, followed } = look,
    many = answer.classes.length > 1 && way === "back";
  const marks = followed != null && following(answer, followed) ? trail(answer, look, followed) : [];
  return {
    reach: answer.reach,
    field: look.arrows && at > 0 ? { side: answer.arrows, vectors: answer.field[at - 1] } : null,
    dots: {
      places: answer[way][at],
      faint: followed != null,
      colour: (i) => (many ? "--ink" : `--class-${(answer.labels[i] % CLASSES) + 1}`),
    },
    marks: marks.length && scores && at > 0 ? [...marks, ...pushes(answer.reach, scores)] : marks,
  };
}

/** A point's path, and the step before as it was and as the model sees it. @param {Answer} answer @param {Look} look @param {number} followed @returns {Mark[]} */
function trail(answer, { way, at }, followed) {
  const path = answer[way].map((state) => state[followed]);
  /** @type {Mark[]} */
  const marks = [{ kind: "path", places: path, at, colour: "--accent" }];
  if (at === 0) return marks;
  const { x0, x, deviation } = answer.steps_back[at - 1];
  /** @type {(end: Place) => Place} */
  const mean = ([a, b]) => [x0 * a + x * path[at][0], x0 * b + x * path[at][1]];
  marks.push({ kind: "circle", at: mean(path[0]), radius: deviation, colour: "--accent", dash: true });
  if (way === "forward") return marks;
  const guess = answer.x0_pred[at - 1][followed];
  marks.push({ kind: "circle", at: mean(guess), radius: deviation, colour: "--plot-5" });
  marks.push({ kind: "cross", at: guess, colour: "--plot-5" });
  return marks;
}

/** Three arrows at one scale, and the line on which their ends lie. @param {number} reach @param {Scores} scores @returns {Mark[]} */
function pushes(reach, scores) {
  const longest = Math.max(...SCORES.map(([name]) => Math.hypot(...scores[name]))),
    scale = Math.min(LENGTH, LONGEST / longest) * reach;
  /** @type {(name: keyof import("./types.d.ts").GuidanceAnswer) => Place} */
  const by = (name) => [scores[name][0] * scale, scores[name][1] * scale];
  const { at } = scores;
  const ends = SCORES.map(([name]) => /** @type {Place} */ ([at[0] + by(name)[0], at[1] + by(name)[1]]));
  /** @type {Mark[]} the guided one last, so that it lies below */
  const arrows = SCORES.map(([name, colour]) => ({ kind: "arrow", at, by: by(name), colour }));
  return [{ kind: "line", places: ends, colour: "--muted", dash: true }, ...arrows.reverse()];
}
