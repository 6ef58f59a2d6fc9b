// A pen for the keyboard: arrows move it, Space sets it down and lifts it.

import {type Place, SIDE} from '../drawing/strokes';
import {element} from '../ui/dom';

export interface KeyboardHandlers {
  /** Space: the pen is set down or lifted, or something is erased. */
  press(at: Place): void;
  /** An arrow: the nearest place where the pen can go. */
  walk(to: Place): Place;
  /** Escape: the stroke ends. */
  end(): void;
}

const ARROWS: Record<string, Place> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 12; // pixels, of an arrow key

export class Keyboard {
  place: Place = [SIDE / 2, SIDE / 2];
  #pen = element<SVGGElement>('pen');

  constructor(
    paper: SVGSVGElement,
    private readonly handlers: KeyboardHandlers,
  ) {
    paper.addEventListener('keydown', (event) => this.#key(event));
    paper.addEventListener('blur', () => this.hide());
  }

  hide(): void {
    this.#pen.setAttribute('hidden', '');
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) this.#walk(arrow, event.shiftKey ? STEP / 6 : STEP);
    else if (event.key === ' ') this.handlers.press(this.place);
    else if (event.key === 'Escape') this.handlers.end();
    else return;
    event.preventDefault();
    this.#pen.removeAttribute('hidden');
    this.#pen.setAttribute('transform', `translate(${this.place.join(' ')})`);
  }

  #walk([dx, dy]: Place, step: number): void {
    const [x, y] = this.place;
    this.place = this.handlers.walk([x + dx * step, y + dy * step]);
  }
}
