// Drawings of files, and how they come to lie on the paper.

import {toStroke} from '../drawing/simplify';
import {type Place, type Stroke, SIDE} from '../drawing/strokes';

export type Line = readonly Place[];

/** A drawing as a file has it. */
export interface Drawing {
  /** What it shows; empty if the file does not say. */
  readonly word: string;
  readonly strokes: readonly Stroke[];
  /** What there is to say about it. */
  readonly note?: string;
}

// How many times larger or smaller than the paper is far from it: such a
// drawing has units of its own.
const [TOO_LARGE, TOO_SMALL] = [1.5, 4];

/** The strokes of lines in the paper's pixels; as they are. */
export function strokesOf(lines: readonly Line[]): Stroke[] {
  return lines.map((points) => ({by: 'you', points}));
}

/** The strokes of lines that are a pen's trails or a curve's points. */
export function simplified(lines: readonly Line[]): Stroke[] {
  return strokesOf(lines.map(toStroke));
}

/** Moves lines to the middle of the paper, as large as it. */
export function fit(lines: readonly Line[]): Line[] {
  const [left, top, width, height] = bounds(lines);
  const scale = SIDE / (Math.max(width, height) || SIDE);
  const x0 = (SIDE - width * scale) / 2 - left * scale;
  const y0 = (SIDE - height * scale) / 2 - top * scale;
  return lines.map((line) =>
    line.map(([x, y]) => [x * scale + x0, y * scale + y0] as const),
  );
}

/** Whether lines are in other units than the paper's pixels. */
export function isFar(lines: readonly Line[]): boolean {
  const [left, top, width, height] = bounds(lines);
  const side = Math.max(width, height);
  const reach = Math.max(-left, -top, left + width, top + height);
  return side * TOO_SMALL < SIDE || reach > SIDE * TOO_LARGE;
}

/** Left, top, width and height of lines. */
export function bounds(
  lines: readonly Line[],
): [left: number, top: number, width: number, height: number] {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of lines.flat()) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return [left, top, right - left, bottom - top];
}
