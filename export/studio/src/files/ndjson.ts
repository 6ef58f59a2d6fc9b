// Quick, Draw!'s rows: a drawing to a line, as JSON.

import type {Stroke} from '../drawing/strokes';
import {
  type Drawing,
  type Line,
  bounds,
  fit,
  isFar,
  simplified,
  strokesOf,
} from './drawing';
import {FileError} from './errors';

const LONGEST = 20_000; // points of a drawing: a recording of some minutes

/**
 * The drawings of a file, and how many of its rows are none.
 *
 * @throws FileError if there is no drawing in it.
 */
export function readNdjson(text: string, name: string): [Drawing[], number] {
  const drawings: Drawing[] = [];
  let [bad, why] = [0, 'no row at all'];
  for (const [where, row] of rowsOf(text)) {
    try {
      drawings.push(drawingOf(JSON.parse(row)));
    } catch (error) {
      if (!bad++) why = `${where}: ${(error as Error).message}`;
    }
  }
  if (drawings.length) return [drawings, bad];
  throw new FileError(
    `${name} must have a drawing of Quick, Draw! in each line`,
    why,
    'Write for example {"word": "cat", "drawing": [[[0, 9], [0, 9]]]}.',
  );
}

/** The lines that are not empty; a document of several lines is one row. */
function rowsOf(text: string): [where: string, row: string][] {
  try {
    const value = JSON.parse(text) as unknown;
    const rows = Array.isArray(value) ? value : [value];
    return rows.map((row, i) => [`row ${i + 1}`, JSON.stringify(row)]);
  } catch {
    const lines = text.split('\n').map((line, i) => [`line ${i + 1}`, line]);
    return lines.filter(([, line]) => line.trim()) as [string, string][];
  }
}

/** The drawing of a row; recordings with times are scaled and simplified. */
function drawingOf(row: {word?: unknown; drawing?: unknown}): Drawing {
  if (!Array.isArray(row?.drawing)) throw new Error('it has no "drawing"');
  const word = typeof row.word === 'string' ? row.word : '';
  const axes = row.drawing as number[][][];
  const lines = axes.map(lineOf).filter((line) => line.length);
  const count = lines.reduce((sum, line) => sum + line.length, 0);
  if (!count) throw new Error('its drawing is empty');
  if (count > LONGEST) throw new Error(`it has more than ${LONGEST} points`);
  const recorded = axes.some((stroke) => stroke.length > 2);
  if (recorded) return {word, strokes: simplified(fit(lines))};
  return {word, strokes: strokesOf(isFar(lines) ? fit(lines) : lines)};
}

/** The points of [[x, ...], [y, ...]]; times may follow. */
function lineOf(axes: number[][]): Line {
  const [xs, ys] = Array.isArray(axes) ? axes : [];
  const fine = Array.isArray(xs) && Array.isArray(ys) && xs.length === ys.length;
  if (!fine || ![...xs, ...ys].every(Number.isFinite)) {
    throw new Error('a stroke must be [[x, ...], [y, ...]] of numbers');
  }
  return xs.map((x, i) => [x, ys[i]]);
}

/**
 * A drawing as a row, with a newline: as sketcher_tf/rendering/ndjson.py.
 *
 * Its least x and y become 0; numbers have 2 decimals at most.
 */
export function toNdjson(strokes: readonly Stroke[], word: string): string {
  const [left, top] = bounds(strokes.map(({points}) => points));
  const round = (number: number) => Number(number.toFixed(2));
  const drawing = strokes.map(({points}) => [
    points.map(([x]) => round(x - left)),
    points.map(([, y]) => round(y - top)),
  ]);
  const row = {word, recognized: true, key_id: key(drawing), drawing};
  return `${JSON.stringify(row)}\n`;
}

/** A number of 16 digits: the same one for the same drawing. */
function key(drawing: unknown): string {
  let hash = 0xcbf29ce484222325n; // FNV-1a
  for (const byte of new TextEncoder().encode(JSON.stringify(drawing))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return `${hash % 10n ** 16n}`.padStart(16, '0');
}
