// The drawing as an SVG document: one path per stroke.

import {pathOf} from '../drawing/path';
import {type Stroke, boxOf} from '../drawing/strokes';

export const WIDTH = 3; // of a line, in pixels of the drawing
export const COLORS = {paper: '#fffefb', ink: '#26303b'};
const SIDE = 512; // pixels, unless a page says otherwise

export function toSvg(strokes: readonly Stroke[], title: string): string {
  const [x, y, side] = boxOf(strokes);
  const paths = strokes.map(({points}) => `<path d="${pathOf(points)}"/>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ${side} ${side}"`,
    ` width="${SIDE}" height="${SIDE}" style="background:${COLORS.paper}"`,
    ` fill="none" stroke="${COLORS.ink}" stroke-width="${WIDTH}"`,
    ' stroke-linecap="round" stroke-linejoin="round">\n',
    `<title>${escape(title)}</title>\n${paths.join('\n')}\n</svg>\n`,
  ].join('');
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
