// When each stroke is drawn, in a drawing that draws itself.
//
// As sketcher_tf/rendering/svg.py: 2 seconds with the pen on the paper, and a
// moment between two strokes.

import {pathOf} from '../drawing/path';
import type {Stroke} from '../drawing/strokes';
import {makeSvg} from '../ui/dom';

export interface Timed {
  readonly path: string;
  readonly length: number; // pixels
  readonly begin: number; // seconds
  readonly duration: number; // seconds
}

const DRAWING = 2; // seconds
const LIFTED = 0.1; // seconds

export function timed(strokes: readonly Stroke[]): Timed[] {
  const paths = strokes.map(({points}) => pathOf(points));
  const lengths = paths.map((d) => makeSvg('path', {d}).getTotalLength());
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let begin = 0;
  return paths.map((path, i) => {
    const length = lengths[i];
    const duration = (DRAWING * length) / Math.max(total, 1);
    const one = {path, length, begin, duration};
    begin += duration + LIFTED;
    return one;
  });
}

/** When the last stroke ends, in seconds. */
export function endOf(strokes: readonly Timed[]): number {
  const last = strokes.at(-1);
  return last ? last.begin + last.duration : 0;
}
