// A pointer's trail as Quick, Draw! has strokes: few points, whole pixels.

import type {Place} from './strokes';

const EPSILON = 2; // pixels; what Quick, Draw! simplified its drawings with

/** The stroke of a trail; a dot is two equal points. */
export function toStroke(trail: readonly Place[]): Place[] {
  const line = trail.length > 1 ? trail : [trail[0], trail[0]];
  return simplify(line).map(([x, y]) => [Math.round(x), Math.round(y)]);
}

/** Few points of a line: Ramer, Douglas and Peucker's way. */
export function simplify(line: readonly Place[]): readonly Place[] {
  if (line.length < 3) return line;
  const [first, last] = [line[0], line[line.length - 1]];
  let [farthest, most] = [0, 0];
  for (let i = 1; i < line.length - 1; i++) {
    const distance = distanceToLine(line[i], first, last);
    if (distance > most) [farthest, most] = [i, distance];
  }
  if (most <= EPSILON) return [first, last];
  return [
    ...simplify(line.slice(0, farthest + 1)).slice(0, -1),
    ...simplify(line.slice(farthest)),
  ];
}

function distanceToLine([x, y]: Place, [x0, y0]: Place, [x1, y1]: Place) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (!length) return Math.hypot(x - x0, y - y0);
  return Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length;
}

/** How far a place is from the nearest part of a line. */
export function distanceTo([x, y]: Place, line: readonly Place[]): number {
  let nearest = Infinity;
  line.forEach(([x1, y1], i) => {
    const [x0, y0] = line[Math.max(i - 1, 0)];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const square = dx * dx + dy * dy;
    const along = square ? ((x - x0) * dx + (y - y0) * dy) / square : 0;
    const share = Math.min(Math.max(along, 0), 1);
    const distance = Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
    nearest = Math.min(nearest, distance);
  });
  return nearest;
}
