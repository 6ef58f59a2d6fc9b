// A drawing that draws itself, as a GIF that repeats.

import {type Color, GIFEncoder, applyPalette} from 'gifenc';
import type {Stroke} from '../drawing/strokes';
import {sleep} from '../ui/dom';
import {paperFor} from './canvas';
import {COLORS} from './svg/writing';
import {type Timed, endOf, timed} from './time';

const SIDE = 480; // pixels
const FRAME = 0.04; // seconds; GIF counts in hundredths
const HOLD = 2; // seconds, of the finished drawing
const MAX_FRAMES = 150;
const SHADES = 16; // from paper to ink

/** A GIF as a Blob. */
export async function toGif(strokes: readonly Stroke[]): Promise<Blob> {
  const paths = timed(strokes);
  const end = endOf(paths);
  const count = Math.min(Math.ceil(end / FRAME), MAX_FRAMES);
  const step = Math.max(end / count, FRAME);
  const gif = GIFEncoder();
  const palette = shades();
  for (let i = 1; i <= count; i++) {
    const {data} = picture(strokes, paths, (end * i) / count);
    gif.writeFrame(applyPalette(data, palette), SIDE, SIDE, {
      palette: i === 1 ? palette : undefined,
      delay: 1000 * (i < count ? step : HOLD),
    });
    await sleep(0); // the page goes on meanwhile
  }
  gif.finish();
  return new Blob([gif.bytes()], {type: 'image/gif'});
}

/** What is drawn after so many seconds. */
function picture(
  strokes: readonly Stroke[],
  paths: readonly Timed[],
  time: number,
): ImageData {
  const context = paperFor(strokes, SIDE);
  for (const {path, length, begin, duration} of paths) {
    if (begin > time) break;
    // A dash as long as what is drawn, then nothing.
    const drawn = length * Math.min((time - begin) / duration, 1);
    context.setLineDash([drawn, length + 1]);
    context.stroke(new Path2D(path));
  }
  return context.getImageData(0, 0, SIDE, SIDE);
}

function shades(): Color[] {
  const [paper, ink] = [rgb(COLORS.paper), rgb(COLORS.ink)];
  return Array.from({length: SHADES}, (_, i) => {
    const share = i / (SHADES - 1);
    const mix = (k: number) => Math.round(paper[k] + share * (ink[k] - paper[k]));
    return [mix(0), mix(1), mix(2)] as Color;
  });
}

function rgb(color: string): number[] {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}
