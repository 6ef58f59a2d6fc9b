// How alike two drawings are, whatever their places and sizes.

import {PAPER, fit} from './frame';
import {distanceTo} from './simplify';
import type {Lines, Place} from './strokes';

const NEAR = 13; // pixels of the paper: so far apart places are alike by 1/e

/**
 * From 0, nothing in common, to 1, the same.
 *
 * Every stroke counts the same: an eye as much as the head around it.
 */
export function likeness(one: Lines, other: Lines): number {
  const [a, b] = [onPaper(one), onPaper(other)];
  return (found(a, b) + found(b, a)) / 2;
}

function onPaper(lines: Lines): Lines {
  const strokes = lines.map((points) => ({by: 'you' as const, points}));
  return fit(strokes, PAPER).map(({points}) => points);
}

/** How much of one drawing's strokes is where the other has some. */
function found(one: Lines, other: Lines): number {
  const near = (place: Place) =>
    Math.exp(-Math.min(...other.map((line) => distanceTo(place, line))) / NEAR);
  return mean(one.map((line) => mean(line.map(near))));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
