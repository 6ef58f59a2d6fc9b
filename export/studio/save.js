// The drawing as a file.

import {boxOf, pathOf} from './strokes.js';

const WIDTH = 3;
const PNG_SIDE = 1024;
const COLORS = {paper: '#fffefb', ink: '#26303b'};

/** An SVG document: one path per stroke. */
export function toSvg(strokes, title) {
  const paths = strokes.map(({points}) => `<path d="${pathOf(points)}"/>`);
  const safe = title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${boxOf(strokes).join(' ')}"`,
    ` width="512" height="512" style="background:${COLORS.paper}"`,
    ` fill="none" stroke="${COLORS.ink}" stroke-width="${WIDTH}"`,
    ' stroke-linecap="round" stroke-linejoin="round">\n',
    `<title>${safe}</title>\n${paths.join('\n')}\n</svg>\n`,
  ].join('');
}

/** A PNG as a Blob. */
export function toPng(strokes) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = PNG_SIDE;
  const context = canvas.getContext('2d');
  const [x, y, side] = boxOf(strokes);
  const scale = PNG_SIDE / side;
  context.fillStyle = COLORS.paper;
  context.fillRect(0, 0, PNG_SIDE, PNG_SIDE);
  context.setTransform(scale, 0, 0, scale, -x * scale, -y * scale);
  Object.assign(context, {
    strokeStyle: COLORS.ink,
    lineWidth: WIDTH,
    lineCap: 'round',
    lineJoin: 'round',
  });
  for (const {points} of strokes) context.stroke(new Path2D(pathOf(points)));
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** Offers a Blob for download. */
export function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
