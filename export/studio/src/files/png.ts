// The drawing as pixels.

import {pathOf} from '../drawing/path';
import {type Stroke, boxOf} from '../drawing/strokes';
import {COLORS, WIDTH} from './svg';

const SIDE = 1024; // pixels

/** A PNG as a Blob. */
export function toPng(strokes: readonly Stroke[]): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d')!;
  const [x, y, side] = boxOf(strokes);
  const scale = SIDE / side;
  context.fillStyle = COLORS.paper;
  context.fillRect(0, 0, SIDE, SIDE);
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  Object.assign(context, {
    strokeStyle: COLORS.ink,
    lineWidth: WIDTH,
    lineCap: 'round',
    lineJoin: 'round',
  });
  for (const {points} of strokes) context.stroke(new Path2D(pathOf(points)));
  return new Promise((resolve) =>
    canvas.toBlob((blob) => resolve(blob!), 'image/png'),
  );
}
