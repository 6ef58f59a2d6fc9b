// The lines of a laid out SVG: the browser knows where its shapes go.

import type {Place} from '../../drawing/strokes';
import type {Line} from '../drawing';

export interface Piece {
  readonly line: Line;
  /** Its end is its beginning: nothing goes on from there. */
  readonly closed: boolean;
}

const NUMBER = String.raw`[-+]?(?:\d*\.\d+|\d+\.?)(?:e[-+]?\d+)?`;
const MOVE = new RegExp(`^\\s*(m)\\s*(${NUMBER})[\\s,]*(${NUMBER})[\\s,]*`, 'i');
const MAX_SAMPLES = 20_000; // of a piece

/** A shape's pieces in the frame's pixels, points `step` apart. */
export function piecesOf(shape: SVGGeometryElement, step: number): Piece[] {
  const matrix = shape.getScreenCTM();
  const scale = matrix && Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c));
  if (!matrix || !scale) return [];
  const parts = shape.localName === 'path' ? subpaths(shape) : [shape];
  return parts.map((part) => {
    const line = sample(part, step / scale).map((point): Place => {
      const {x, y} = point.matrixTransform(matrix);
      return [x, y];
    });
    const [[x0, y0], [x1, y1]] = [line[0], line.at(-1)!];
    const closed = Math.hypot(x1 - x0, y1 - y0) < step && line.length > 2;
    return {line, closed};
  });
}

function sample(shape: SVGGeometryElement, step: number): DOMPoint[] {
  const length = shape.getTotalLength();
  const count = Math.min(Math.max(Math.ceil(length / step), 1), MAX_SAMPLES);
  return Array.from({length: count + 1}, (_, i) =>
    shape.getPointAtLength((length * i) / count),
  );
}

/**
 * The parts of a path without lifting the pen, each as a path.
 *
 * A browser measures a path as a whole, so it is cut where the pen moves.
 */
function subpaths(shape: SVGGeometryElement): SVGPathElement[] {
  const whole = shape.getAttribute('d') ?? '';
  const parts = whole.split(/(?=m)/i).filter((part) => MOVE.test(part));
  let before = '';
  return parts.flatMap((part) => {
    const [{length}, move, x, y] = part.match(MOVE)!;
    const start = endOf(`${before}${move}${x} ${y}`);
    before += part;
    const rest = part.slice(length).trim();
    if (!rest) return []; // a move, and no line
    // Numbers after those of the move are of lines.
    const line = /^[-+.\d]/.test(rest) ? (move === 'm' ? 'l' : 'L') : '';
    return pathOf(`M${start.x} ${start.y}${line}${rest}`);
  });
}

/** Where the pen is after a path that ends in a move. */
function endOf(path: string): DOMPoint {
  // A browser has no place for a move alone, so the pen goes a little further.
  const shape = pathOf(`${path}h1`);
  const end = shape.getPointAtLength(shape.getTotalLength());
  return new DOMPoint(end.x - 1, end.y);
}

function pathOf(d: string): SVGPathElement {
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', d);
  return path;
}
