// A shape in pixels, thinned to lines that are one pixel wide.

import type {Line} from '../drawing';

/** Pixels row by row, 1 where the shape is; none at the edge. */
export interface Grid {
  readonly pixels: Uint8Array;
  readonly width: number;
}

/** Paints closed lines, in pixels. */
export function paint(
  lines: readonly Line[],
  rule: CanvasFillRule,
  width: number,
  height: number,
): Grid {
  const context = new OffscreenCanvas(width, height).getContext('2d')!;
  const path = new Path2D();
  for (const [[x, y], ...rest] of lines) {
    path.moveTo(x, y);
    for (const place of rest) path.lineTo(...place);
    path.closePath();
  }
  context.fill(path, rule);
  const {data} = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < pixels.length; i++) pixels[i] = data[4 * i + 3] > 127 ? 1 : 0;
  return {pixels, width};
}

/** The eight neighbours of a pixel: north first, then as a clock goes. */
export function around(width: number): number[] {
  return [-width, 1 - width, 1, 1 + width, width, width - 1, -1, -1 - width];
}

/** Takes pixels away until a skeleton is left (Zhang and Suen 1984). */
export function thin({pixels, width}: Grid): void {
  const steps = around(width);
  let inside = [...pixels.keys()].filter((i) => pixels[i]);
  for (let before = -1; before !== inside.length; ) {
    before = inside.length;
    for (const half of [0, 1]) {
      const gone = inside.filter((i) => {
        const near = steps.map((step) => pixels[i + step]);
        return mayGo(near, half);
      });
      for (const i of gone) pixels[i] = 0;
      inside = inside.filter((i) => pixels[i]);
    }
  }
  // What is left has steps that are two pixels wide.
  for (const i of inside) {
    const near = steps.map((step) => pixels[i + step]);
    if (isCorner(near)) pixels[i] = 0;
  }
}

/** Whether a pixel is at the edge of a line, and no part of its skeleton. */
function mayGo(near: readonly number[], half: number): boolean {
  const count = near.reduce((sum, one) => sum + one, 0);
  if (count < 2 || count > 6) return false;
  const begins = near.filter((one, k) => !one && near[(k + 1) % 8]).length;
  if (begins !== 1) return false;
  const [north, , east, , south, , west] = near;
  return half
    ? !(north && west && (east || south))
    : !(east && south && (north || west));
}

/** Whether all neighbours hang together without a pixel (Yokoi 1975). */
function isCorner(near: readonly number[]): boolean {
  const parts = [0, 2, 4, 6].filter(
    (k) => !near[k] && (near[k + 1] || near[(k + 2) % 8]),
  );
  return parts.length === 1 && near.filter(Boolean).length > 1;
}

/** The pixels that hang together, piece by piece. */
export function piecesOfGrid({pixels, width}: Grid): number[][] {
  const left = pixels.slice();
  const steps = around(width);
  const pieces: number[][] = [];
  for (let start = left.indexOf(1); start >= 0; start = left.indexOf(1, start)) {
    const piece = [start];
    left[start] = 0;
    for (const pixel of piece) {
      for (const next of steps.map((step) => pixel + step)) {
        if (!left[next]) continue;
        left[next] = 0;
        piece.push(next); // and its neighbours come in turn
      }
    }
    pieces.push(piece);
  }
  return pieces;
}
