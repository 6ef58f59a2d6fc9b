// What the page and the worker say to each other.

import type {Lines, Point} from '../drawing/strokes';

export interface Factor {
  readonly name: string;
  readonly values: readonly string[];
}

/** What a file says of itself. */
export interface Metadata {
  readonly factors: readonly Factor[];
  readonly scale_factor: number;
  readonly max_seq_len: number;
  /** What is enough of what the critic says of each value, if there is one. */
  readonly enough: readonly number[];
}

/** A file of the user, or one beside the page and its size. */
export type Source = File | {readonly url: string; readonly bytes: number};

/** The weights of all values of all factors; they sum to 1 per factor. */
export type Condition = readonly number[];

/** How the model draws. */
export interface How {
  /** 0 takes the likeliest at each step. */
  readonly temperature: number;
  /** The same one draws the same. */
  readonly seed: number;
}

/** Points of one of several drawings. */
export interface Part {
  readonly way: number;
  readonly points: readonly Point[];
}

/** What a drawing begins with, and which of the sketches of its seed it is. */
export interface Beginning {
  readonly condition: Condition;
  readonly latents: Float32Array;
  readonly number: number;
}

/** A model, and what its file can do besides drawing. */
export interface Loaded {
  readonly metadata: Metadata;
  readonly encodes: boolean;
  readonly recognizes: boolean;
}

/** Names of the worker's calls, their arguments, results and parts. */
export interface Calls {
  load: {
    argument: Source;
    result: Loaded;
    part: number;
  };
  /** Goes on with a drawing, in several ways. */
  suggest: {
    argument: How & {
      readonly condition: Condition;
      readonly lines: Lines;
      readonly count: number;
    };
    result: undefined;
    part: Part;
  };
  /** Draws a drawing anew, in several ways. */
  optimize: {
    argument: How & {
      readonly condition: Condition;
      readonly lines: Lines;
      readonly share: number;
      readonly count: number;
    };
    result: undefined;
    part: Part;
  };
  /** Draws from latents, one after the other. */
  draw: {
    argument: How & {readonly drawings: readonly Beginning[]};
    result: undefined;
    part: Part;
  };
  /** Latents of a whole drawing. */
  encode: {
    argument: {readonly condition: Condition; readonly lines: Lines};
    result: Float32Array;
    part: never;
  };
  /** How surely drawings show what was asked for, log probabilities. */
  judge: {
    argument: {
      readonly condition: Condition;
      readonly drawings: readonly Lines[];
    };
    result: number[];
    part: never;
  };
  /** Latents for a new drawing. */
  imagine: {
    argument: How & {readonly condition: Condition; readonly number: number};
    result: Float32Array;
    part: never;
  };
}

export type Name = keyof Calls;

/** To the worker: a call, or that the call of this number is not needed. */
export type Question =
  | {number: number; name: Name; argument: Calls[Name]['argument']}
  | {number: number; cancel: true};

/** From the worker: a part of the result, its end, or what failed. */
export type Answer = {number: number} & (
  | {part: unknown}
  | {result: unknown}
  | {error: string}
);
