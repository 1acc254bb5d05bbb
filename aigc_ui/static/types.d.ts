// What several scripts hand to each other, and what the experiments of the lab and of the families answer.
import type { Look, RequestFields, Sentence } from "./engine.d.ts";

/** What the studio refuses: its sentence in the page's language and as it came, its code, and the seconds after which to
 * ask again. */
export type Refusal = Error & { code?: string; again?: number; sentence?: Sentence };

/** x and y. */
export type Place = [number, number];

/** What an address names; `state` is a whole state of a bench, packed into a link, and with it `lesson` says nothing. */
export interface Whereabouts {
  room: string;
  bench?: string;
  lesson?: string;
  state?: string;
}

// --- benches ---

/** A field of an experiment or a generator, as the studio lists it; a range has bounds, a text its longest. */
export interface Field {
  name: string;
  type: string;
  default: any;
  help: string;
  look: Look;
  low: number;
  high: number;
  max_length: number;
}

/** One control of a bench: `set` shows a value, `say` says its words in the language of now. */
export interface Control {
  node: HTMLElement;
  set: (value: any) => void;
  say: () => void;
}

/** Controls by the names of their fields. */
export type Parts = Record<string, Control>;

/** What is chosen on a bench besides its values, from a link or a file: whatever a stranger wrote into it. */
export type Stranger = Record<string, any>;

/** A bench that asks for V and shows A. */
export interface Bench<V, A> {
  id: string;
  experiment: string;
  controls: (keyof V & string)[];
  stage: HTMLElement;
  show: (answer: A, values: V) => unknown;
  shown?: (values: V, parts: Parts) => void;
  moved?: (name: string, values: V) => void;
  ready?: (given?: BenchState & { name?: string }) => void;
  look?: Chosen<V>;
  request?: (values: V) => Promise<A>;
}

/** `read` gives what is looked at for a link or a file, `take` brings it back. */
export interface Chosen<V> {
  read: () => object;
  take: (look: Stranger, values: V) => void;
}

/** A bench as others hold it. */
export interface BenchHandle<V> {
  name: string;
  node: HTMLElement;
  side: HTMLElement;
  values: () => V;
  look: () => object;
  fields: () => Record<string, Field>;
  set: (next: Partial<V>) => unknown;
  change: (name: keyof V & string, value: any) => void;
  hide: (names: string[]) => void;
  /** What brings back the values of a job, unless the state that the bench was given is a link's. */
  restored: (given?: BenchState & { name?: string }) => ((request: Record<string, any>) => unknown) | undefined;
  show: (state: BenchState) => unknown;
  shown: () => string[];
}

/** A state of a bench, as a lesson or a link holds it. */
export interface BenchState {
  bench: string;
  values: Record<string, any>;
  look?: Stranger;
  hide: string[];
}

// --- plots and planes ---

export interface Axis {
  label?: string;
  log?: boolean;
  low?: number;
  high?: number;
}

/** `kind` is a line where nothing is said; bars are each as `wide` as its share of the room. */
export interface Series {
  name: string;
  x: number[];
  y: number[];
  colour: string;
  dash?: string | null;
  ghost?: boolean;
  kind?: "line" | "bars" | "dots";
  wide?: number;
}

/** Points of a plot that can be dragged; `move` and `add` say which one is held then. */
export interface Drag {
  points: Place[];
  move: (i: number, x: number, y: number) => number;
  add: (x: number, y: number) => number | null;
  remove: (i: number) => void;
  end?: () => void;
}

export interface PlotSpec {
  title: string;
  x: Axis;
  y: Axis;
  series: Series[];
  at?: number;
  drag?: Drag | null;
}

/** From a value to its place on the screen and back. */
export interface Scale {
  at: (value: number) => number;
  back: (place: number) => number;
  ticks: number[];
}

export interface Axes {
  x: Scale;
  y: Scale;
  width: number;
  height: number;
}

export interface Drawing {
  spec: PlotSpec;
  svg: SVGElement;
  axes: Axes;
}

export interface Plot {
  node: HTMLElement;
  draw: (next?: PlotSpec) => void;
}

export type Mark = { colour: string; dash?: boolean } & (
  | { kind: "path"; places: Place[]; at: number }
  | { kind: "dots"; places: Place[]; radius?: number }
  | { kind: "circle"; at: Place; radius: number }
  | { kind: "cross"; at: Place }
  | { kind: "line"; places: Place[] }
  | { kind: "arrow"; at: Place; by: Place }
);

/** What stands on a plane, in its own coordinates from -reach to reach. */
export interface Scene {
  reach: number;
  heat?: { values: number[][] } | null;
  field?: { side: number; vectors: Place[] } | null;
  dots?: { places: Place[]; colour: (i: number) => string; faint: boolean };
  marks: Mark[];
}

export interface Plane {
  canvas: HTMLCanvasElement;
  draw: (next?: Scene) => void;
  place: (event: MouseEvent) => Place;
}

/** A picture of a film's sheet. */
export interface Tile {
  picture: CanvasImageSource & { width: number; height: number };
  name: string;
}

// --- answers of the lab; pictures are data URIs ---

export interface ScheduleAnswer {
  t: number[];
  curves: Record<string, (number | null)[]>;
  signal_left: number;
  most_signal: number;
  prior_bits: number;
  most_prior: number;
  too_much_left: boolean;
}

export interface NoisedAnswer {
  t: number;
  shape?: number[];
  shown?: string[];
  steps?: number[];
  strip?: string[];
  signals?: number[];
  noises?: number[];
  signal: number;
  noise: number;
  beta: number | null;
}

/** A clean picture and its noise: 16 bits from -reach to reach, the high bytes in one picture, the low ones in another. */
export interface NoiseAnswer {
  clean: string[];
  noise: [string, string];
  reach: number;
}

export interface ReverseAnswer {
  t: number;
  source: string[];
  result: string[];
  x: string[];
  x0: string[];
  eps: string[];
  guided: string[];
  sigmas: number[];
  timesteps: number[];
  told: number[];
  scales: number[];
  guidance_share: number[];
  notes?: string[];
}

/** Index 0 is the data's end. */
export interface PointsAnswer {
  reach: number;
  arrows: number;
  sigmas: number[];
  timesteps: number[];
  steps_back: { x0: number; x: number; deviation: number }[];
  forward: Place[][];
  back: Place[][];
  x0_pred: Place[][];
  field: Place[][];
  labels: number[];
  classes: number[];
  nll: number;
  nll_of_data: [number, number];
  distance: number;
  distance_of_data: [number, number];
  astray: number;
  astray_of_data: [number, number];
}

/** What a network has learned of the points so far. */
export interface LearnedPoints extends PointsAnswer {
  levels: number[];
  loss_by_t: number[];
  least_by_t: number[];
  error_by_t: number[];
  bound: LearnedBound | null;
}

export interface LearnedBound {
  refused?: string;
  examples: number;
  prior: number;
  entropy: number;
  learned: { terms: number[]; total: number };
  ideal: { terms: number[]; total: number };
}

export interface GuidanceAnswer {
  unconditional: Place;
  conditional: Place;
  guided: Place;
}

export interface OrdersAnswer {
  steps: number[];
  errors: Record<string, number[]>;
  orders: Record<string, number>;
}

export interface DigitsAnswer {
  steps: number[];
  x: string[];
  x0: string[];
  nearest: string[];
  gaps: number[];
  gap_of_data: number;
  read_as: number[];
  asked: number[];
}

export interface BoundAnswer {
  terms: number[];
  prior: number;
  behind: number[] | null;
  totals: Record<string, number>;
  entropy?: number;
  nothing: number;
  examples: number;
  unit: string;
}

// --- answers of the families ---

export interface LatentsAnswer {
  picture: string[];
  length: number;
  seconds: number;
}

export interface ManifoldAnswer {
  sheet: string[];
  picture: string[];
  z: number[];
}

export interface RoundTripAnswer {
  source: string[];
  again: string[];
  error: number;
  error_in_double: number | null;
  z_length: number;
  numbers: number;
  of: number;
  seconds: number;
}

/** Of the three views each has its part. */
export interface OwnPictureAnswer {
  source?: string[];
  again?: string[];
  codes?: string[];
  between?: string[];
  faded?: string[];
  prior?: string[];
  deviation?: number;
  error: number;
  numbers: number;
  of: number;
  used: number;
  known?: number;
  seconds: number;
}

/** A model of one's own. */
export interface OwnModel {
  name: string;
  kind: "diffusion" | "vae" | "vq";
  class_name: string;
  shape: number[];
  bytes: number;
  classes: number;
  own_noise: boolean;
}

/** A figure with its spread, or alone. */
export type Figure = number | [number, number] | null;

export interface FamilyScores {
  shipped: Record<string, string[]>;
  scores: Record<string, Record<string, Record<string, Figure>>>;
  classes: Record<string, Record<string, string[]>>;
}

/** How far one family is in the race. */
export interface Raced {
  x: string[];
  done: boolean;
  seconds: number;
  evaluations: number;
}

/** What a GAN's discriminator says of pictures. */
export interface Judged {
  made: number[];
  real: number[];
}

/** A snapshot of a family's training: of points, or of pictures. */
export interface LearnedFamily {
  samples?: Place[];
  real: Place[];
  thinks?: number[][];
  reach: number;
  sheet?: string[];
  manifold?: string[];
  real_sheet?: string[];
  judged?: Judged;
  figures: LearnedFigures;
}

/** How good a family is; what does not apply to it is absent. `distance_of_data`: the least and most of ten draws. */
export interface LearnedFigures {
  modes?: number;
  modes_of_data?: number;
  astray?: number;
  distance?: number;
  distance_of_data?: [number, number];
  bits?: number;
  bits_of_data?: number;
  kl?: number;
  told_apart?: number;
}

// --- pictures and models ---

/** How a picture was made. */
export interface Recipe {
  generator?: string;
  request?: Partial<RequestFields>;
  template?: { prompt?: string };
  unfinished?: { step: number; of: number };
  enlarged?: { factor: string; upscaler: string }[];
  notes?: string[];
  created?: string;
  /** Of another program's picture: what its silence means for all other fields, what made it, what no field holds, its file. */
  unsaid?: Partial<RequestFields>;
  tool?: string;
  unknown?: { name: string; value: string }[];
  file?: string;
  /** Of a grid's sheet: what changes, the finished cells' [left, top, width, height] on it, and their pictures' ids. */
  axes?: { field: string; values: string[] }[];
  cells?: number[][];
  pictures?: string[];
}

/** A picture of the gallery; one that is only named has an id and nothing else. */
export interface Picture {
  id: string;
  width?: number;
  height?: number;
  recipe?: Recipe;
  unfinished?: boolean;
}

/** A picture in the gallery's grid; `title` is the beginning of its prompt. */
export interface GalleryPicture {
  id: string;
  width: number;
  height: number;
  unfinished: boolean;
  title: string;
  kind: string;
  favourite: boolean;
  stars: number;
  tags: string[];
  own: boolean;
  /** It lies in a folder of another program. */
  foreign: boolean;
}

/** A folder of another program; `problem` is why it is not shown now, `kept` that it was added on the page. */
export interface GalleryFolder {
  path: string;
  kept: boolean;
  pictures: number;
  damaged: number;
  left: number;
  problem: import("./engine.d.ts").Sentence | null;
}

/** A picture in its family; one that is not here has no picture, but perhaps a kept input that shows it. */
export interface KinNode {
  key: string;
  picture: GalleryPicture | null;
  shown: string;
}

export interface KinEdge {
  parent: string;
  child: string;
  kind: string;
}

/** A picture's ancestors and all that descend from them; `cut` where there are more. */
export interface Kin {
  nodes: KinNode[];
  edges: KinEdge[];
  cut: boolean;
}

/** What a question to the gallery has found: how many, one page of them, and by facet how many have each value. */
export interface GalleryAnswer {
  total: number;
  offset: number;
  pictures: GalleryPicture[];
  facets: Record<string, Record<string, number>>;
  /** How many could not be compared yet with the one that was named. */
  unseen?: number;
}

/** A model as the library lists it. */
export interface ModelEntry {
  id: string;
  name: string;
  label: string;
  kind: string;
  base: string;
  format: string;
  variant: string;
  few_steps: string;
  preview: boolean;
  in_memory: number;
  in_memory_of: string;
  unusable: string;
  convert_as: string;
  size: number;
  place: string;
  dtype: string;
  prediction_type: string;
  prediction_known_from: string;
  rank: number;
  author: string;
  licence: string;
  hash: string;
  payload_hash: string;
  description: string;
  trigger_words: string[];
  notes: string;
  usable_as: string;
  removable: boolean;
  whose: string;
}

/** What the library answers to a search. */
export interface Catalogue {
  entries: ModelEntry[];
  kinds: Record<string, number>;
  architectures: Record<string, number>;
  bases: Record<string, string>;
  total: number;
  to_hash: number;
  notice: string;
  changes: boolean;
  removed: { id: string; name: string }[];
}

/** What a card of a model belongs to: `doing` says what fails, `job` stands beside a button. */
export interface Shelf {
  catalogue: () => Catalogue;
  doing: (work: () => Promise<unknown>) => () => Promise<void>;
  ask: () => Promise<void>;
  job: (
    id: string,
    generator: string,
    request: () => object,
  ) => { nodes: HTMLElement[]; resume: (take?: (request: Record<string, any>) => unknown) => Promise<void> };
  warn: (text: string) => void;
}

/** Who one is in a studio. */
export interface Me {
  shared: boolean;
  owner: boolean;
  may_train: boolean;
  number: number;
  address: string;
}

// --- the prompt and what the model hears of it ---

/** What the count of tokens and the check of words follow. */
export interface Counted {
  prompt: string;
  model: string;
  prompt_syntax: string;
  style: string;
}

/** A word that a model knows: its names by language, the usual one first, and its cell in the sheet of pictures. */
export interface Word {
  kind: string;
  names: Record<string, string[]>;
  say: Record<string, string>;
  picture: number | null;
  colour: string;
  sign: string;
}

/** All that a model knows, where that is a closed number of words. */
export interface Vocabulary {
  digest: string;
  sheet: { cell: number; columns: number } | null;
  words: Word[];
  kinds: Record<string, { names: Record<string, string> }>;
}

/** A word that it does not hear; `thing` is what a known word cannot be said of, `kinds` are what it can be said of. */
export interface Unheard {
  start: number;
  end: number;
  text: string;
  thing: string;
  kinds: string[];
  near: { text: string; picture: number | null }[];
}
