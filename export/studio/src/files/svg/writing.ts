// The drawing as an SVG document: one path per stroke.

import {pathOf} from '../../drawing/path';
import {type Stroke, boxOf} from '../../drawing/strokes';
import {timed} from '../time';

export const WIDTH = 3; // of a line, in pixels of the drawing
export const COLORS = {paper: '#fffefb', ink: '#26303b'};
/** On the root: what it draws is in the paper's pixels. */
export const OWN = 'data-studio';
const SIDE = 512; // pixels, unless a page says otherwise

export function toSvg(strokes: readonly Stroke[], title: string): string {
  const paths = strokes.map(
    ({by, points}) => `<path class="${by}" d="${pathOf(points)}"/>`,
  );
  return page(strokes, title, paths);
}

/**
 * A drawing that draws itself.
 *
 * Style sheets do it: a program that knows none sees the finished drawing.
 */
export function toAnimatedSvg(
  strokes: readonly Stroke[],
  title: string,
): string {
  const paths = timed(strokes).map(
    ({path, begin, duration}, i) =>
      `<path class="${strokes[i].by}" d="${path}" pathLength="1" style="` +
      `animation-delay:${begin.toFixed(2)}s;` +
      `animation-duration:${duration.toFixed(2)}s"/>`,
  );
  const style =
    '<style>path{stroke-dasharray:1 2;animation:draw linear both}' +
    '@keyframes draw{from{stroke-dashoffset:1;visibility:hidden}' +
    '1%{visibility:visible}to{stroke-dashoffset:0}}</style>';
  return page(strokes, title, [style, ...paths]);
}

function page(
  strokes: readonly Stroke[],
  title: string,
  content: readonly string[],
): string {
  const [x, y, side] = boxOf(strokes);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ${side} ${side}"`,
    ` width="${SIDE}" height="${SIDE}" style="background:${COLORS.paper}"`,
    ` fill="none" stroke="${COLORS.ink}" stroke-width="${WIDTH}"`,
    ` stroke-linecap="round" stroke-linejoin="round" ${OWN}="">\n`,
    `<title>${escape(title)}</title>\n${content.join('\n')}\n</svg>\n`,
  ].join('');
}

export function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
