// The drawing as pixels.

import {pathOf} from '../drawing/path';
import type {Stroke} from '../drawing/strokes';
import {paperFor} from './canvas';

const SIDE = 1024; // pixels

/** A PNG as a Blob. */
export function toPng(strokes: readonly Stroke[]): Promise<Blob> {
  const context = paperFor(strokes, SIDE);
  for (const {points} of strokes) context.stroke(new Path2D(pathOf(points)));
  return new Promise((resolve) =>
    context.canvas.toBlob((blob) => resolve(blob!), 'image/png'),
  );
}
