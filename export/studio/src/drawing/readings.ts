// Readings of what is given: as in export/tflite/readings.py.

import {extent} from './picture';
import {type Lines, type Place, SIDE} from './strokes';

const SIZES = [0.75, 1]; // longest sides, in parts of a whole drawing's
const ALIKE = 1.25; // times larger or smaller: nothing else is seen in it
const CLOSED = 0.2; // of a stroke's extent: ends no further apart close it
const FEW = 4; // points; a stroke of fewer encloses nothing
const ONWARDS = [0.8, 0.6]; // where most hands end an open stroke

/** What to draw to in place of what was given. */
export interface Reading {
  readonly lines: Lines;
  /** How many times larger it is read. */
  readonly scale: number;
  /** What is its origin as it is read. */
  readonly corner: Place;
  /** Whether the last stroke does, from where it was begun. */
  readonly goesOn: boolean;
}

/** As given; as most hands run strokes; so, going on or large; so, whole. */
export function readings(given: Lines): Reading[] {
  const asLarge = {scale: 1, corner: [0, 0] as Place, goesOn: false};
  const found: Reading[] = [{...asLarge, lines: given}];
  if (!given.length) return found;
  const turned = given.map(asMostHands);
  if (turned.some((line, i) => line !== given[i])) {
    found.push({...asLarge, lines: turned});
  }
  const last = given.at(-1)!;
  const goesOn = last.length > 1 && !isClosed(last);
  if (goesOn) {
    const lines = [...turned.slice(0, -1), [...last].reverse()];
    found.push({...asLarge, lines, goesOn});
  }
  for (const size of goesOn ? SIZES.slice(1) : SIZES) {
    const {corner, scale} = placed(turned, size);
    if (1 / ALIKE < scale && scale < ALIKE) continue;
    const lines = enlarged(turned, corner, scale);
    found.push({lines, scale, corner, goesOn: false});
  }
  return found;
}

/** To stand in the middle at the bottom: a paper's corner, and the scale. */
function placed(lines: Lines, size: number): {corner: Place; scale: number} {
  const {low, high} = extent(lines);
  const [wide, tall] = [high[0] - low[0], high[1] - low[1]];
  const longest = Math.max(wide, tall);
  if (!longest) return {corner: [0, 0], scale: 1};
  const scale = (size * SIDE) / longest;
  const side = SIDE / scale;
  return {corner: [low[0] - (side - wide) / 2, low[1] - (side - tall)], scale};
}

/** The upper left corner, and what makes lines as large as the model's. */
export function toFullSize(lines: Lines): {low: Place; scale: number} {
  const {low, high} = extent(lines);
  const longest = Math.max(high[0] - low[0], high[1] - low[1]);
  return {low, scale: longest ? SIDE / longest : 1};
}

/** Moved to the origin, then scaled. */
export function enlarged(lines: Lines, low: Place, scale: number): Lines {
  return lines.map((line) =>
    line.map(([x, y]): Place => [(x - low[0]) * scale, (y - low[1]) * scale]),
  );
}

/** A closed stroke counter-clockwise from its top, another rightwards. */
function asMostHands(line: readonly Place[]): readonly Place[] {
  if (!isClosed(line)) {
    const way = wayOf(line);
    const backwards = way[0] * ONWARDS[0] + way[1] * ONWARDS[1] < 0;
    return backwards ? [...line].reverse() : line;
  }
  const ring = line.slice(0, -1); // its end is where it begins
  const {low} = extent([line]);
  const top = line.findIndex(([, y]) => y === low[1]) % ring.length;
  const after = [...ring.slice(top), ...ring.slice(0, top)];
  const [first, ...rest] = after;
  return [first, ...(isClockwise(line) ? rest.reverse() : rest), first];
}

/** Whether a stroke ends about where it begins. */
function isClosed(line: readonly Place[]): boolean {
  const {low, high} = extent([line]);
  const side = Math.max(high[0] - low[0], high[1] - low[1]);
  return line.length >= FEW && Math.hypot(...wayOf(line)) <= CLOSED * side;
}

/** From where it begins to where it ends. */
function wayOf(line: readonly Place[]): Place {
  const [[fromX, fromY], [toX, toY]] = [line[0], line.at(-1)!];
  return [toX - fromX, toY - fromY];
}

/** Whether the area inside is above 0, by the shoelace formula. */
function isClockwise(line: readonly Place[]): boolean {
  const [left, top] = line[0];
  let area = 0;
  for (let i = 1; i < line.length; i++) {
    const [[x, y], [nextX, nextY]] = [line[i - 1], line[i]];
    area += (x - left) * (nextY - top) - (y - top) * (nextX - left);
  }
  return area > 0;
}
