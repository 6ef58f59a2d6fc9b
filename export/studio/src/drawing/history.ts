// What is on the paper, and what was.

import type {Stroke} from './strokes';

const STEPS = 100; // that can be undone

export class History {
  #past: (readonly Stroke[])[] = [];
  #future: (readonly Stroke[])[] = [];
  #now: readonly Stroke[] = [];

  get strokes(): readonly Stroke[] {
    return this.#now;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** Puts other strokes there, as a step that can be undone. */
  change(strokes: readonly Stroke[]): void {
    this.#past = [...this.#past, this.#now].slice(-STEPS);
    this.#future = [];
    this.#now = strokes;
  }

  /** Goes on with the last step: what the model draws is one step. */
  amend(strokes: readonly Stroke[]): void {
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
