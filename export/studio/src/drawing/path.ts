// A stroke as the path of an SVG: a smooth line through its points.
//
// The model and the simplified trail of a hand have few points. Between them a
// pen goes in curves, but for the corners, which stay sharp.

import type {Place} from './strokes';

const SHARPEST = Math.cos((80 * Math.PI) / 180); // a turn by more is a corner
const REACH = 1 / 3; // of a part's length, to its control points

/** The `d` of a path. */
export function pathOf(points: readonly Place[]): string {
  const [first, ...rest] = points;
  // A path of no length would not be seen, in a PNG not even with `h0`.
  if (!rest.length) return `M${pair(first)}h.01`;
  let d = `M${pair(first)}`;
  rest.forEach((to, i) => (d += part(points, i, to)));
  return d;
}

/** From point number i to the next one. */
function part(points: readonly Place[], i: number, to: Place): string {
  const from = points[i];
  const reach = REACH * Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (!reach) return 'h.01';
  const out = direction(points, i) ?? towards(from, to)!;
  const into = direction(points, i + 1) ?? towards(from, to)!;
  const first = [from[0] + reach * out[0], from[1] + reach * out[1]] as const;
  const second = [to[0] - reach * into[0], to[1] - reach * into[1]] as const;
  return `C${pair(first)} ${pair(second)} ${pair(to)}`;
}

/** Of the line at a point; none at its ends and corners. */
function direction(points: readonly Place[], i: number): Place | undefined {
  if (i === 0 || i === points.length - 1) return undefined;
  const before = towards(points[i - 1], points[i]);
  const after = towards(points[i], points[i + 1]);
  if (!before || !after) return undefined;
  const turn = before[0] * after[0] + before[1] * after[1];
  if (turn < SHARPEST) return undefined;
  return towards([0, 0], [before[0] + after[0], before[1] + after[1]]);
}

/** A vector of length 1; none between equal places. */
function towards([x0, y0]: Place, [x1, y1]: Place): Place | undefined {
  const length = Math.hypot(x1 - x0, y1 - y0);
  return length ? [(x1 - x0) / length, (y1 - y0) / length] : undefined;
}

function pair([x, y]: Place): string {
  return `${Number(x.toFixed(2))} ${Number(y.toFixed(2))}`;
}
