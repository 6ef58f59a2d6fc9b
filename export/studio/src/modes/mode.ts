// What the page knows of a mode: a tab, a panel, and its keys on the paper.

export interface Mode {
  /** Enter: the model's turn. */
  go(): Promise<void>;
  /** A digit: what is offered under this number, from 0. */
  take?(number: number): void;
  /** B: the drawing before, or after. */
  compare?(): void;
  /** This mode is chosen. */
  enter?(): void;
  /** Another mode is chosen. */
  leave?(): void;
}
