// The picture of a drawing that the encoder sees: as in export/tflite/picture.py.

import type {Lines, Place} from './strokes';

const REFERENCE_SIZE = 64;
// In pixels of the reference size.
const RADIUS = 1.14;
const MARGIN = 3.125;

/** Ink 1 on 0, as large as fits; `size` pixels per side. */
export function picture(lines: Lines, size: number): Float32Array {
  const unit = size / REFERENCE_SIZE;
  const ink = new Float32Array(size * size);
  for (const line of fit(lines, size, MARGIN * unit)) {
    line.forEach((stop, i) => {
      draw(ink, size, line[Math.max(i - 1, 0)], stop, RADIUS * unit);
    });
  }
  return ink;
}

/** The longest side, without the margin, fills the picture. */
function fit(lines: Lines, size: number, margin: number): Lines {
  const {low, high} = extent(lines);
  const longest = Math.max(high[0] - low[0], high[1] - low[1]);
  const scale = longest ? (size - 2 * margin) / longest : 0;
  const [x, y] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  return lines.map((line) =>
    line.map(([px, py]): Place => [
      (px - x) * scale + size / 2,
      (py - y) * scale + size / 2,
    ]),
  );
}

/** The corners of the box around lines. */
export function extent(lines: Lines): {low: Place; high: Place} {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const line of lines) {
    for (const [x, y] of line) {
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return {low: [left, top], high: [right, bottom]};
}

/** Darkens the pixels around a part of a line. */
function draw(
  ink: Float32Array,
  size: number,
  [x0, y0]: Place,
  [x1, y1]: Place,
  radius: number,
): void {
  // A pixel is grey where its middle is within half a pixel of the rim.
  const reach = radius + 0.5;
  const first = (a: number, b: number) =>
    Math.max(Math.floor(Math.min(a, b) - reach), 0);
  const last = (a: number, b: number) =>
    Math.min(Math.ceil(Math.max(a, b) + reach), size);
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = dx * dx + dy * dy;
  for (let row = first(y0, y1); row < last(y0, y1); row++) {
    for (let column = first(x0, x1); column < last(x0, x1); column++) {
      const [x, y] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = square ? (x * dx + y * dy) / square : 0;
      const share = Math.min(Math.max(along, 0), 1);
      const distance = Math.hypot(x - share * dx, y - share * dy);
      const grey = Math.min(Math.max(reach - distance, 0), 1);
      const at = row * size + column;
      ink[at] = Math.max(ink[at], grey);
    }
  }
}
