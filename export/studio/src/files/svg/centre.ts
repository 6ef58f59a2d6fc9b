// The centre lines of filled shapes, as a pen that draws outlines leaves them.
//
// The same as sketcher_tf/data/formats/svg/outlines.py: a shape is painted at a
// few pixels per line width and thinned to its skeleton, which is followed.

import type {Place} from '../../drawing/strokes';
import {type Line, bounds} from '../drawing';
import {type Grid, around, paint, piecesOfGrid, thin} from './grid';

export interface Filled {
  readonly lines: readonly Line[];
  readonly rule: CanvasFillRule;
  readonly round: boolean;
}

interface Picture {
  readonly grid: Grid;
  readonly scale: number; // pixels per unit of the shape
  readonly corner: Place; // the middle of the first pixel, in these units
}

const LINE = 7; // pixels across a line that is thinned
const [LEAST, MOST] = [64, 512]; // pixels of a shape's longest side
const MEASURE = 256; // the same, to measure it
const COMPACT = 0.22; // of its longest side: thicker is an area, not a line
const [DOT, DOT_WIDTHS] = [0.04, 3]; // of the drawing's side; of lines' widths
const LOOK_BACK = 6; // pixels that tell the direction of a line

/** Strokes for shapes, in their order; of areas the outlines. */
export function centreLines(shapes: readonly Filled[]): Line[] {
  const side = longest(shapes.flatMap(({lines}) => lines));
  const measured = shapes.map((shape) => {
    const width = thickness(shape);
    return {...shape, width, area: width > COMPACT * longest(shape.lines)};
  });
  const widths = measured.filter(({area}) => !area).map(({width}) => width);
  widths.sort((a, b) => a - b);
  const usual = widths[widths.length >> 1] ?? 0;
  const dot = Math.max(DOT * side, DOT_WIDTHS * usual);
  return measured.flatMap((shape) => {
    if (shapes.length > 1 && shape.round && longest(shape.lines) <= dot) {
      return [dotOf(shape.lines)];
    }
    return shape.area ? [...shape.lines] : thinned(shape, shape.width);
  });
}

/** Of a line with this area and circumference. */
function thickness(shape: Filled): number {
  const {grid, scale} = pictureOf(shape, MEASURE);
  const area = grid.pixels.reduce((sum, one) => sum + one, 0) / scale ** 2;
  const length = ([x, y]: Place, [toX, toY]: Place) => Math.hypot(toX - x, toY - y);
  const circumference = shape.lines
    .flatMap((line) => line.map((to, i) => length(line.at(i - 1)!, to)))
    .reduce((sum, one) => sum + one, 0);
  return (2 * area) / circumference;
}

function thinned(shape: Filled, width: number): Line[] {
  const wanted = (longest(shape.lines) * LINE) / width;
  const pixels = Math.min(Math.max(wanted, LEAST), MOST);
  const {grid, scale, corner} = pictureOf(shape, pixels);
  const [x0, y0] = corner;
  const toUnits = ([x, y]: Place): Place => [x / scale + x0, y / scale + y0];
  const [[x, y]] = shape.lines[0];
  const start: Place = [(x - x0) * scale, (y - y0) * scale];
  thin(grid);
  return piecesOfGrid(grid)
    .flatMap((piece) => follow(piece, grid.width, start, width * scale))
    .map((line) => line.map(toUnits));
}

/** Paints a shape so that its longest side has so many pixels. */
function pictureOf({lines, rule}: Filled, pixels: number): Picture {
  const [left, top, width, height] = bounds(lines);
  const scale = pixels / Math.max(width, height);
  const corner = [left - 1.5 / scale, top - 1.5 / scale] as const;
  const placed = lines.map((line) =>
    line.map(([x, y]): Place => [(x - corner[0]) * scale, (y - corner[1]) * scale]),
  );
  const columns = Math.ceil(width * scale) + 3;
  const rows = Math.ceil(height * scale) + 3;
  const grid = paint(placed, rule, columns, rows);
  const half = 0.5 / scale; // a canvas has its places between the pixels
  return {grid, scale, corner: [corner[0] + half, corner[1] + half]};
}

/**
 * Lines along a piece of a skeleton, each as far and straight as it goes.
 *
 * Those not longer than `shortest` are spurs; a piece of nothing else is a dot.
 */
function follow(
  piece: readonly number[],
  width: number,
  start: Place,
  shortest: number,
): Line[] {
  const place = (i: number): Place => [i % width, Math.floor(i / width)];
  const left = new Set(piece);
  const lines: Line[] = [];
  while (left.size) {
    for (const pixel of starts(left, width, start)) {
      const line = left.has(pixel) ? walk(left, width, pixel).map(place) : [];
      if (line.length > shortest) lines.push(line);
    }
  }
  return lines.length ? lines : [dotOf([piece.map(place)])];
}

/** The ends of lines, the nearest to `start` first; of rings, one pixel. */
function starts(left: ReadonlySet<number>, width: number, [x, y]: Place): number[] {
  const steps = around(width);
  const away = (i: number) => Math.abs((i % width) - x) + Math.abs(i / width - y);
  const nearest = [...left].sort((a, b) => away(a) - away(b));
  const ends = nearest.filter(
    (i) => steps.filter((step) => left.has(i + step)).length <= 1,
  );
  return ends.length ? ends : nearest.slice(0, 1);
}

/** Follows a line from a pixel, and takes its pixels away. */
function walk(left: Set<number>, width: number, from: number): number[] {
  const vector = (a: number, b: number): Place => {
    const dy = Math.floor(b / width) - Math.floor(a / width);
    return [b - a - dy * width, dy];
  };
  const path = [from];
  for (let pixel: number | undefined = from; pixel !== undefined; ) {
    left.delete(pixel);
    const [aheadX, aheadY] = vector(path[Math.max(path.length - LOOK_BACK, 0)], pixel);
    const here: number = pixel;
    // Straight on at a fork; the nearer one of two on the same way.
    const straight = (i: number) => {
      const [dx, dy] = vector(here, i);
      return (dx * aheadX + dy * aheadY) / Math.hypot(dx, dy);
    };
    const near = around(width).map((step) => here + step);
    const [next] = near
      .filter((i) => left.has(i))
      .sort((a, b) => straight(b) - straight(a));
    pixel = next;
    if (next !== undefined) path.push(next);
  }
  return path;
}

function longest(lines: readonly Line[]): number {
  const [, , width, height] = bounds(lines);
  return Math.max(width, height);
}

/** The middle of lines, twice: a stroke that goes nowhere. */
export function dotOf(lines: readonly Line[]): Line {
  const [left, top, width, height] = bounds(lines);
  const middle: Place = [left + width / 2, top + height / 2];
  return [middle, middle];
}
