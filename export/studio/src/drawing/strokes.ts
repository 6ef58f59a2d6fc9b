// Strokes as people draw them, and points as the model reads them.

/** Pixels of Quick, Draw!, whose drawings have 255 on their longest side. */
export type Place = readonly [x: number, y: number];
export type Lines = readonly (readonly Place[])[];
export type Author = 'you' | 'model';

/** A line without lifting the pen; never changed, but replaced. */
export interface Stroke {
  readonly by: Author;
  readonly points: readonly Place[];
}

/** [dx, dy, down, up, end]; offsets in units of the scale factor. */
export type Point = readonly [
  dx: number,
  dy: number,
  down: number,
  up: number,
  end: number,
];

export type Box = readonly [x: number, y: number, side: number];

export const SIDE = 255; // of the paper, without its margin
const MARGIN = 16;

/** The model's points of lines; the first offset is from the origin. */
export function pointsOf(
  lines: Lines,
  scaleFactor: number,
): Point[] {
  const points: Point[] = [];
  let [x, y] = [0, 0];
  for (const line of lines) {
    line.forEach(([toX, toY], i) => {
      const up = i === line.length - 1 ? 1 : 0;
      points.push([
        (toX - x) / scaleFactor,
        (toY - y) / scaleFactor,
        1 - up,
        up,
        0,
      ]);
      [x, y] = [toX, toY];
    });
  }
  return points;
}

/** Where the last stroke ended. */
export function lastPlace(strokes: readonly Stroke[]): Place {
  return strokes.at(-1)?.points.at(-1) ?? [0, 0];
}

/** Grows strokes by the model's points, one after the other. */
export class Growth {
  #strokes: readonly Stroke[];
  #place: Place;
  #open = false; // whether the next point belongs to the last stroke

  constructor(
    begun: readonly Stroke[],
    private readonly scaleFactor: number,
  ) {
    this.#strokes = begun;
    this.#place = lastPlace(begun);
  }

  /** The strokes so far: a new list after each point. */
  get strokes(): readonly Stroke[] {
    return this.#strokes;
  }

  add([dx, dy, , up]: Point): void {
    const [x, y] = this.#place;
    this.#place = [x + dx * this.scaleFactor, y + dy * this.scaleFactor];
    const kept = this.#open ? this.#strokes.slice(0, -1) : this.#strokes;
    const begun = this.#open ? this.#strokes.at(-1)!.points : [];
    const points = [...begun, this.#place];
    this.#strokes = [...kept, {by: 'model', points}];
    this.#open = !up;
  }
}

/** A square around paper and strokes: what is shown. */
export function boxOf(strokes: readonly Stroke[]): Box {
  let [left, right, top, bottom] = [0, SIDE, 0, SIDE];
  for (const {points} of strokes) {
    for (const [x, y] of points) {
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  const side = Math.max(right - left, bottom - top) + 2 * MARGIN;
  return [(left + right - side) / 2, (top + bottom - side) / 2, side];
}

/** How many points the strokes have. */
export function countPoints(strokes: readonly Stroke[]): number {
  return strokes.reduce((sum, {points}) => sum + points.length, 0);
}
