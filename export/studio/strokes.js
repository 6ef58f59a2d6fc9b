// Strokes as people draw them, and points as the model reads them.
//
// A stroke is {by, points}: by "you" or "model", points [x, y] in pixels of
// Quick, Draw!, whose drawings are 255 pixels on their longest side. A point of
// the model is [dx, dy, down, up, end], dx and dy in units of the scale factor.

export const SIDE = 255; // pixels of the paper, without its margin
const MARGIN = 16;
const EPSILON = 2; // pixels; what Quick, Draw! simplified its drawings with

/** The model's points of strokes; the first offset is from the origin. */
export function toPoints(strokes, scaleFactor) {
  const points = [];
  let [x, y] = [0, 0];
  for (const stroke of strokes) {
    stroke.points.forEach(([toX, toY], i) => {
      const up = i === stroke.points.length - 1 ? 1 : 0;
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
export function lastPlace(strokes) {
  return strokes.at(-1)?.points.at(-1) ?? [0, 0];
}

/** A pointer's trail as Quick, Draw! has strokes; a dot is two equal points. */
export function toStroke(trail) {
  const line = trail.length > 1 ? trail : [trail[0], trail[0]];
  return simplify(line).map((place) => place.map(Math.round));
}

/** Few points of a line: Ramer, Douglas and Peucker's way. */
export function simplify(line) {
  if (line.length < 3) return line;
  const [first, last] = [line[0], line.at(-1)];
  let [farthest, most] = [0, 0];
  for (let i = 1; i < line.length - 1; i++) {
    const distance = distanceTo(line[i], first, last);
    if (distance > most) [farthest, most] = [i, distance];
  }
  if (most <= EPSILON) return [first, last];
  return [
    ...simplify(line.slice(0, farthest + 1)).slice(0, -1),
    ...simplify(line.slice(farthest)),
  ];
}

function distanceTo([x, y], [x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (!length) return Math.hypot(x - x0, y - y0);
  return Math.abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length;
}

/** What is shown: [x, y, side, side], a square around paper and strokes. */
export function boxOf(strokes) {
  const all = strokes.flatMap(({points}) => points);
  const [left, right, top, bottom] = [0, 1].flatMap((axis) => {
    const numbers = all.map((place) => place[axis]);
    return [Math.min(0, ...numbers), Math.max(SIDE, ...numbers)];
  });
  const side = Math.max(right - left, bottom - top) + 2 * MARGIN;
  return [(left + right - side) / 2, (top + bottom - side) / 2, side, side];
}

/** A stroke as the d of an SVG path. */
export function pathOf(points) {
  const places = points.map((place) =>
    place.map((number) => Number(number.toFixed(2))).join(' '),
  );
  // A path of no length would not be seen, in a PNG not even with `h0`.
  return `M${places.join('L')}${points.length === 1 ? 'h.01' : ''}`;
}
