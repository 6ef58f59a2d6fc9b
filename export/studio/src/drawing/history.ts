// What is on the paper, and what was.

import type {Stroke} from './strokes';

const STEPS = 100; // that can be undone

type Strokes = readonly Stroke[];

/** All that a history holds, to be kept elsewhere. */
export interface Chronicle {
  readonly past: readonly Strokes[];
  readonly now: Strokes;
  readonly future: readonly Strokes[];
}

export class History {
  #past: Strokes[] = [];
  #future: Strokes[] = [];
  #now: Strokes = [];

  get strokes(): Strokes {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  get chronicle(): Chronicle {
    return {past: this.#past, now: this.#now, future: this.#future};
  }

  set chronicle({past, now, future}: Chronicle) {
    [this.#past, this.#now, this.#future] = [[...past], now, [...future]];
  }

  /** Puts other strokes there, as a step that can be undone. */
  change(strokes: Strokes): void {
    this.#past = [...this.#past, this.#now].slice(-STEPS);
    this.#future = [];
    this.#now = strokes;
  }

  /** Goes on with the last step: what the model draws is one step. */
  amend(strokes: Strokes): void {
    this.#now = strokes;
  }

  undo(): void {
    if (!this.#past.length) return;
    this.#future.push(this.#now);
    this.#now = this.#past.pop()!;
  }

  redo(): void {
    if (!this.#future.length) return;
    this.#past.push(this.#now);
    this.#now = this.#future.pop()!;
  }
}
