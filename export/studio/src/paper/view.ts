// Which part of the paper is seen: all of it, or less when zoomed in.

import type {Box, Place} from '../drawing/strokes';

const LARGEST = 8;

export class View {
  #whole: Box = [0, 0, 1];
  #scale = 1;
  #middle: Place = [0, 0];

  /** The paper with all that is on it. */
  set whole(box: Box) {
    this.#whole = box;
    if (this.#scale === 1) this.reset();
    else this.#middle = this.#inside(this.#middle);
  }

  get zoomed(): boolean {
    return this.#scale > 1;
  }

  get box(): Box {
    const side = this.#whole[2] / this.#scale;
    const [x, y] = this.#middle;
    return [x - side / 2, y - side / 2, side];
  }

  reset(): void {
    const [x, y, side] = this.#whole;
    this.#scale = 1;
    this.#middle = [x + side / 2, y + side / 2];
  }

  /** Enlarges by a factor, so that the place `from` is seen where `to` was. */
  zoom(factor: number, from: Place, to: Place = from): void {
    const before = this.#scale;
    this.#scale = Math.min(Math.max(before * factor, 1), LARGEST);
    const done = this.#scale / before;
    const [x, y] = this.#middle;
    this.#middle = this.#inside([
      from[0] + (x - to[0]) / done,
      from[1] + (y - to[1]) / done,
    ]);
  }

  /** The nearest place that can be seen. */
  clamp(place: Place): Place {
    const [left, top, side] = this.box;
    return [clamp(place[0], left, side), clamp(place[1], top, side)];
  }

  /** The nearest middle of a view of the paper. */
  #inside([x, y]: Place): Place {
    const [left, top, side] = this.#whole;
    const seen = side / this.#scale;
    return [
      clamp(x, left + seen / 2, side - seen),
      clamp(y, top + seen / 2, side - seen),
    ];
  }
}

function clamp(number: number, low: number, length: number): number {
  return Math.min(Math.max(number, low), low + length);
}
