// The drawing on a canvas: what pictures of pixels are made from.

import {type Stroke, boxOf} from '../drawing/strokes';
import {COLORS, WIDTH} from './svg/writing';

/** An empty paper of so many pixels a side, ready for ink where strokes are. */
export function paperFor(
  strokes: readonly Stroke[],
  pixels: number,
): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = pixels;
  const context = canvas.getContext('2d', {willReadFrequently: true})!;
  const [x, y, side] = boxOf(strokes);
  const scale = pixels / side;
  context.fillStyle = COLORS.paper;
  context.fillRect(0, 0, pixels, pixels);
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  return Object.assign(context, {
    strokeStyle: COLORS.ink,
    lineWidth: WIDTH,
    lineCap: 'round',
    lineJoin: 'round',
  } as const);
}
