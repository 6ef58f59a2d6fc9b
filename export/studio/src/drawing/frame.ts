// Where a drawing is, and how large.

import {extent} from './picture';
import {type Lines, type Place, SIDE, type Stroke} from './strokes';

/** The square around a drawing, by its middle. */
export interface Frame {
  readonly middle: Place;
  readonly side: number;
}

/** Of a drawing that the model begins: all of the paper. */
export const PAPER: Frame = {middle: [SIDE / 2, SIDE / 2], side: SIDE};

export function frameOf(lines: Lines): Frame {
  const {low, high} = extent(lines);
  return {
    middle: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
    side: Math.max(high[0] - low[0], high[1] - low[1]),
  };
}

/** A frame on the way from one to another. */
export function between(from: Frame, to: Frame, share: number): Frame {
  const mix = (a: number, b: number) => a + share * (b - a);
  const [x, y] = from.middle;
  return {
    middle: [mix(x, to.middle[0]), mix(y, to.middle[1])],
    side: mix(from.side, to.side),
  };
}

/** Strokes moved and scaled into a frame. */
export function fit(
  strokes: readonly Stroke[],
  {middle, side}: Frame,
): readonly Stroke[] {
  if (!strokes.length) return strokes;
  const own = frameOf(strokes.map(({points}) => points));
  const scale = own.side ? side / own.side : 1;
  const place = ([x, y]: Place): Place => [
    middle[0] + scale * (x - own.middle[0]),
    middle[1] + scale * (y - own.middle[1]),
  ];
  return strokes.map(({by, points}) => ({by, points: points.map(place)}));
}
