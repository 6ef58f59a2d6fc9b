// The strokes of an SVG file: what a viewer shows as lines.
//
// If anything that is seen is stroked, that is the drawing, and what is filled
// is its decoration, but for what is small and round: dots. If nothing is, the
// centre lines of what is filled are.

import type {Author, Place, Stroke} from '../../drawing/strokes';
import {type Drawing, type Line, bounds, fit, simplified} from '../drawing';
import {FileError} from '../errors';
import {type Filled, centreLines, dotOf} from './centre';
import {isRound, isSeen, isStroked} from './seen';
import {type Piece, piecesOf} from './shapes';
import {onStage} from './stage';
import {OWN} from './writing';

const SHAPES = 'path, line, polyline, polygon, rect, circle, ellipse';
const NOT_DRAWN = 'defs, symbol, clipPath, mask, marker, pattern';
const MOST = 5000; // shapes
const FINE = 512; // samples along the longest side
const TOUCHING = 1e-3; // of the longest side: pieces of one stroke
const DOT = 0.04; // of the longest side, of what is round, and so a dot
const CENTRES =
  'Nothing is stroked there: these are the centre lines of what is filled.';
const COVERS = 0.98; // of all that is filled, in width and height, for a page

/** @throws FileError if it is no SVG, or nothing in it is drawn. */
export async function readSvg(text: string, name: string): Promise<Drawing> {
  const root = parse(text, name);
  const word = root.querySelector(':scope > title')?.textContent?.trim() ?? '';
  return {word, ...(await onStage(root, (root) => drawingOf(root, name)))};
}

function parse(text: string, name: string): SVGSVGElement {
  const {documentElement: root} = new DOMParser().parseFromString(
    text,
    'image/svg+xml',
  );
  const wrong = root.querySelector('parsererror')?.textContent;
  if (root instanceof SVGSVGElement && !wrong) return root;
  throw new FileError(
    `${name} must be an SVG document`,
    wrong ? `broken XML (${wrong.split('\n')[1] ?? wrong})` : `<${root.localName}>`,
    'Save it again as plain SVG.',
  );
}

function drawingOf(root: SVGSVGElement, name: string): Omit<Drawing, 'word'> {
  const shapes = shapesOf(root, name);
  const stroked = shapes.filter(isStroked);
  if (root.hasAttribute(OWN)) return {strokes: own(root, stroked)};
  if (!stroked.length) {
    const lines = centreLines(filledOf(withoutPage(shapes)));
    return {strokes: simplified(fit(lines)), note: CENTRES};
  }
  const side = longestSide(stroked);
  const isDot = (shape: SVGGeometryElement) =>
    !isStroked(shape) && longestSide([shape]) <= DOT * side && isRound(shape);
  const inked = shapes.filter((shape) => isStroked(shape) || isDot(shape));
  return {strokes: trace(inked, isDot)};
}

/** The shapes that are seen. */
function shapesOf(root: SVGSVGElement, name: string): SVGGeometryElement[] {
  const shapes = [...root.querySelectorAll<SVGGeometryElement>(SHAPES)].filter(
    (shape) => !shape.closest(NOT_DRAWN) && isSeen(shape, root),
  );
  if (shapes.length && shapes.length <= MOST) return shapes;
  const received = shapes.length
    ? `${shapes.length}`
    : 'a file in which nothing is drawn that can be seen';
  throw new FileError(
    `${name} must have lines, and at most ${MOST} shapes`,
    received,
    'Save the lines of the drawing alone as SVG.',
  );
}

/** In the pixels of the paper, as they were saved. */
function own(
  root: SVGSVGElement,
  shapes: readonly SVGGeometryElement[],
): Stroke[] {
  const matrix = root.getScreenCTM()!.inverse();
  const toPaper = ([x, y]: Place): Place => {
    const place = new DOMPoint(x, y).matrixTransform(matrix);
    return [place.x, place.y];
  };
  return shapes.flatMap((shape) => {
    const by: Author = shape.classList.contains('model') ? 'model' : 'you';
    const pieces = piecesOf(shape, longestSide(shapes) / FINE);
    const lines = pieces.map(({line}) => line.map(toPaper));
    return simplified(lines).map(({points}) => ({by, points}));
  });
}

/** Fits the lines of shapes to the paper; what touches is one stroke. */
function trace(
  shapes: readonly SVGGeometryElement[],
  isDot: (shape: SVGGeometryElement) => boolean,
): Stroke[] {
  const side = longestSide(shapes);
  const pieces = shapes.flatMap((shape) =>
    isDot(shape) ? [dot(shape)] : piecesOf(shape, side / FINE),
  );
  return simplified(fit(join(pieces, TOUCHING * side)));
}

function dot(shape: SVGGeometryElement): Piece {
  const {left, top, right, bottom} = shape.getBoundingClientRect();
  const corners: Line = [
    [left, top],
    [right, bottom],
  ];
  return {line: dotOf([corners]), closed: true};
}

/** Makes one stroke of pieces that begin where the last one ended. */
function join(pieces: readonly Piece[], tolerance: number): Line[] {
  const lines: Place[][] = [];
  let open = false; // whether the last one may go on
  for (const {line, closed} of pieces) {
    const [x, y] = lines.at(-1)?.at(-1) ?? [Infinity, Infinity];
    const apart = Math.hypot(line[0][0] - x, line[0][1] - y);
    if (open && !closed && apart <= tolerance) lines.at(-1)!.push(...line);
    else lines.push([...line]);
    open = !closed;
  }
  return lines;
}

function filledOf(shapes: readonly SVGGeometryElement[]): Filled[] {
  const step = longestSide(shapes) / FINE;
  return shapes.map((shape) => ({
    lines: piecesOf(shape, step).map(({line}) => line),
    rule: getComputedStyle(shape).fillRule as CanvasFillRule,
    round: isRound(shape),
  }));
}

/** Those in front of a rectangle as large as all of them, in other colours. */
function withoutPage(
  shapes: readonly SVGGeometryElement[],
): readonly SVGGeometryElement[] {
  const [page, ...others] = shapes;
  const [whole, first] = [shapes, [page]].map(boundsOf);
  const covers = [2, 3].every((size) => first[size] >= COVERS * whole[size]);
  if (!others.length || !covers) return shapes;
  const {fill} = getComputedStyle(page);
  const inked = others.filter((shape) => getComputedStyle(shape).fill !== fill);
  return inked.length ? inked : others;
}

function longestSide(shapes: readonly Element[]): number {
  const [, , width, height] = boundsOf(shapes);
  return Math.max(width, height);
}

/** Of shapes in the frame's pixels. */
function boundsOf(shapes: readonly Element[]): ReturnType<typeof bounds> {
  const boxes = shapes.map((shape) => shape.getBoundingClientRect());
  return bounds(
    boxes.map(({left, top, right, bottom}) => [
      [left, top],
      [right, bottom],
    ]),
  );
}
