// Several drawings of the model at once, complete.

import {Growth, type Stroke} from '../drawing/strokes';
import type {Part} from '../model/protocol';
import type {Studio} from '../studio';

/**
 * Collects whole drawings.
 *
 * @param begun what each of them goes on from.
 * @returns the strokes of each, without those that were begun.
 */
export async function collect(
  parts: AsyncIterable<Part>,
  count: number,
  begun: readonly Stroke[],
  scaleFactor: number,
): Promise<(readonly Stroke[])[]> {
  const ways = Array.from(
    {length: count},
    () => new Growth(begun, scaleFactor),
  );
  for await (const {way, points} of parts) {
    for (const point of points) if (!point[4]) ways[way].add(point);
  }
  return ways.map(({strokes}) => strokes.slice(begun.length));
}

/** How surely drawings show the words, in logs; 0 without a critic. */
export async function judge(
  studio: Studio,
  drawings: readonly (readonly Stroke[])[],
): Promise<number[]> {
  if (!studio.recognizes) return drawings.map(() => 0);
  const shown = drawings.filter(({length}) => length);
  const judged = await studio.model.call('judge', {
    condition: studio.factors.condition,
    drawings: shown.map((strokes) => strokes.map(({points}) => points)),
  });
  return drawings.map(({length}) => (length ? judged.shift()! : -Infinity));
}
