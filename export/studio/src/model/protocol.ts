// What the page and the worker say to each other.

import type {Point} from '../drawing/strokes';

export interface Factor {
  readonly name: string;
  readonly values: readonly string[];
}

/** What a file says of itself. */
export interface Metadata {
  readonly factors: readonly Factor[];
  readonly scale_factor: number;
  readonly max_seq_len: number;
}

/** A file of the user, or one beside the page and its size. */
export type Source = File | {readonly url: string; readonly bytes: number};

/** What a drawing depends on besides what is there. */
export interface How {
  /** The weights of all values of all factors. */
  readonly condition: readonly number[];
  /** 0 takes the likeliest at each step. */
  readonly temperature: number;
  /** The same one draws the same. */
  readonly seed: number;
}

/** Names of the worker's calls, their arguments and results. */
export interface Calls {
  load: {argument: Source; result: Metadata; part: number};
  complete: {
    argument: How & {readonly points: readonly Point[]};
    result: undefined;
    part: readonly Point[];
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
