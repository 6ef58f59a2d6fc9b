// Drawings side by side, which draw themselves; a tap takes one.

import {frameOf} from '../drawing/frame';
import {pathOf} from '../drawing/path';
import {type Box, SIDE, type Stroke} from '../drawing/strokes';
import {make, makeSvg} from './dom';

export interface Thumbnail {
  readonly strokes: readonly Stroke[];
  /** What is read out. */
  readonly label: string;
}

export interface ThumbnailHandlers {
  take(number: number): void;
  /** The pointer or the focus is on one; undefined: on none. */
  look(number: number | undefined): void;
}

const POINT = 12; // milliseconds, to draw a point
const LONGEST = 1500; // to draw a thumbnail
const MARGIN = 0.06; // of a picture's side, around what is drawn
const PEN = 0.023; // of a picture's side

export class Thumbnails {
  #buttons: HTMLButtonElement[] = [];

  constructor(
    private readonly group: HTMLElement,
    private readonly handlers: ThumbnailHandlers,
  ) {}

  /** Empty places for as many as will come. */
  wait(count: number): void {
    this.#resize(count);
    this.group.ariaBusy = 'true';
    for (const button of this.#buttons) {
      button.ariaDisabled = 'true';
      button.ariaLabel ??= 'Not there yet';
    }
  }

  /** Scrolls them into sight: on a phone they are below what asks for them. */
  reveal(): void {
    this.group.scrollIntoView({block: 'nearest'});
  }

  /** @param box what each of them shows; by default all that is its own. */
  show(thumbnails: readonly Thumbnail[], box?: Box): void {
    this.#resize(thumbnails.length);
    this.group.ariaBusy = 'false';
    thumbnails.forEach(({strokes, label}, i) => {
      const button = this.#buttons[i];
      button.ariaDisabled = 'false';
      button.ariaLabel = label;
      button.replaceChildren(draws(strokes, box));
    });
    this.choose(undefined);
  }

  /** Marks one as taken. */
  choose(number: number | undefined): void {
    this.#buttons.forEach((button, i) => {
      button.ariaPressed = `${i === number}`;
    });
  }

  clear(): void {
    this.#resize(0);
    this.group.ariaBusy = 'false';
  }

  /** Buttons that stay keep the focus. */
  #resize(count: number): void {
    for (const button of this.#buttons.splice(count)) button.remove();
    while (this.#buttons.length < count) this.#add(this.#buttons.length);
    this.group.hidden = count === 0;
  }

  #add(number: number): void {
    const button = make('button', {className: 'thumbnail', type: 'button'});
    const look = (at?: number) => this.handlers.look(at);
    const ready = () => button.ariaDisabled === 'false';
    button.onclick = () => ready() && this.handlers.take(number);
    button.onpointerenter = ({pointerType}) => {
      if (pointerType !== 'touch' && ready()) look(number);
    };
    button.onpointerleave = () => look();
    button.onfocus = () => {
      if (button.matches(':focus-visible') && ready()) look(number);
    };
    button.onblur = () => look();
    this.#buttons.push(button);
    this.group.append(button);
  }
}

/** A picture of strokes; those of the model appear one after the other. */
export function draws(
  strokes: readonly Stroke[],
  [x, y, side] = closeTo(strokes),
): SVGSVGElement {
  const svg = makeSvg('svg', {
    viewBox: `${x} ${y} ${side} ${side}`,
    'stroke-width': `${side * PEN}`,
    'aria-hidden': 'true',
  });
  const drawn = strokes.filter(({by}) => by === 'model');
  const count = drawn.reduce((sum, {points}) => sum + points.length, 0);
  const pace = Math.min(POINT, LONGEST / Math.max(count, 1));
  let at = 0;
  for (const {by, points} of strokes) {
    const path = makeSvg('path', {
      d: pathOf(points),
      class: by,
      pathLength: '1',
    });
    if (by === 'model') {
      const time = pace * points.length;
      path.style.animationDelay = `${at}ms`;
      path.style.animationDuration = `${time}ms`;
      at += time;
    }
    svg.append(path);
  }
  return svg;
}

/** A square around strokes; what is tiny stays small. */
function closeTo(strokes: readonly Stroke[]): Box {
  if (!strokes.length) return [0, 0, SIDE];
  const frame = frameOf(strokes.map(({points}) => points));
  const side = Math.max(frame.side, SIDE / 6) / (1 - 2 * MARGIN);
  const [x, y] = frame.middle;
  return [x - side / 2, y - side / 2, side];
}
