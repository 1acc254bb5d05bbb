// What several scripts hand to each other.
import type { Look } from "./engine.d.ts";

/** A field of an experiment or a generator, as the studio lists it. */
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
