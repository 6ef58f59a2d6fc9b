// How alike two drawings are, whatever their places and sizes.

import {picture} from './picture';
import type {Lines} from './strokes';

const SIDES = [8, 16, 32]; // pixels: alike as a whole, and in its parts

/** From 0, nothing in common, to 1, the same: cosines of pictures' ink. */
export function likeness(one: Lines, other: Lines): number {
  const cosines = SIDES.map((side) =>
    cosine(picture(one, side), picture(other, side)),
  );
  return cosines.reduce((sum, x) => sum + x, 0) / SIDES.length;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  return norms ? dot(a, b) / norms : 0;
}
