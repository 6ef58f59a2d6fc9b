// The paper: shows strokes, and takes new ones from a pointer or the keyboard.

import {toStroke} from '../drawing/simplify';
import {pathOf} from '../drawing/path';
import {type Place, type Stroke, boxOf, lastPlace} from '../drawing/strokes';
import {button, element} from '../ui/dom';
import {Ink} from './ink';
import {Keyboard} from './keyboard';
import {Pointers} from './pointers';
import {View} from './view';

export type Tool = 'pen' | 'eraser';

export interface PaperHandlers {
  /** The first point of a stroke is there. */
  begun(): void;
  drawn(points: readonly Place[]): void;
  /** The eraser is at a place; it takes what is nearer than `reach`. */
  erase(at: Place, reach: number): void;
}

const FINGER = 0.03; // of what is seen: how far an eraser reaches
const WHEEL = 0.002; // growth per pixel of a wheel's turn

export class Paper {
  #svg = element<SVGSVGElement>('paper');
  #trailPath = element<SVGPathElement>('trail');
  #hint = element('hint');
  #ink = new Ink(element<SVGGElement>('ink'));
  #view = new View();
  #keyboard: Keyboard;
  #trail: Place[] | undefined; // of the stroke that is being drawn
  #strokes: readonly Stroke[] = [];
  #tool: Tool = 'pen';

  constructor(private readonly handlers: PaperHandlers) {
    new Pointers(this.#svg, {
      down: (at) => (this.#keyboard.hide(), this.#press(at)),
      move: (places) => this.#move(places),
      up: () => this.#end(),
      cancel: () => this.#drop(),
      pinch: (...how) => this.#zoom(...how),
    });
    this.#keyboard = new Keyboard(this.#svg, {
      press: (at) => (this.#trail ? this.#end() : this.#press(at)),
      walk: (to) => this.#walk(to),
      end: () => this.#end(),
    });
    this.#svg.addEventListener('blur', () => this.#end());
    this.#svg.addEventListener('wheel', (event) => this.#wheel(event), {
      passive: false,
    });
    button('fit').onclick = () => this.#fit();
  }

  get tool(): Tool {
    return this.#tool;
  }

  set tool(tool: Tool) {
    this.#tool = tool;
    this.#svg.dataset.tool = tool;
  }

  /** Shows strokes, and tells of them in words. */
  show(strokes: readonly Stroke[]): void {
    this.#strokes = strokes;
    this.#ink.show(strokes);
    this.#svg.setAttribute('aria-label', describe(strokes));
    if (strokes.length && !this.#trail) this.#keyboard.place = lastPlace(strokes);
    // Under a hand that draws, the paper stays where it is.
    if (!this.#trail) this.#view.whole = boxOf(strokes);
    this.#look();
  }

  /** Shows other strokes for a while; undefined: those of the drawing. */
  peek(strokes: readonly Stroke[] | undefined): void {
    if (this.#trail) return;
    this.#ink.show(strokes ?? this.#strokes);
    this.#view.whole = boxOf(strokes ?? this.#strokes);
    this.#look();
  }

  #look(): void {
    const [x, y, side] = this.#view.box;
    this.#svg.setAttribute('viewBox', `${x} ${y} ${side} ${side}`);
    this.#hint.hidden = this.#strokes.length > 0 || this.#trail !== undefined;
    button('fit').hidden = !this.#view.zoomed;
  }

  #press(at: Place): void {
    if (this.#tool === 'eraser') return this.#erase(at);
    this.handlers.begun();
    this.#trail = [this.#view.clamp(at)];
    this.#hint.hidden = true;
    this.#svg.classList.add('down');
    this.#drawTrail();
  }

  #move(places: readonly Place[]): void {
    if (this.#tool === 'eraser') return places.forEach((at) => this.#erase(at));
    this.#trail?.push(...places.map((at) => this.#view.clamp(at)));
    this.#drawTrail();
  }

  #walk(to: Place): Place {
    const place = this.#view.clamp(to);
    this.#trail?.push(place);
    this.#drawTrail();
    return place;
  }

  #end(): void {
    const trail = this.#trail;
    if (!trail) return;
    this.#drop();
    this.handlers.drawn(toStroke(trail));
  }

  #drop(): void {
    this.#trail = undefined;
    this.#svg.classList.remove('down');
    this.#drawTrail();
    this.#look();
  }

  #drawTrail(): void {
    this.#trailPath.setAttribute('d', this.#trail ? pathOf(this.#trail) : '');
  }

  #erase(at: Place): void {
    this.handlers.erase(at, FINGER * this.#view.box[2]);
  }

  #zoom(factor: number, from: Place, to?: Place): void {
    this.#view.zoom(factor, from, to);
    this.#look();
  }

  /** Zooms with Ctrl, as the pinch of a touchpad does, too. */
  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const matrix = this.#svg.getScreenCTM()!.inverse();
    const {x, y} = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      matrix,
    );
    this.#zoom(Math.exp(-WHEEL * event.deltaY), [x, y]);
  }

  #fit(): void {
    this.#view.reset();
    this.#look();
    this.#svg.focus();
  }
}

function describe(strokes: readonly Stroke[]): string {
  if (!strokes.length) return 'Empty paper';
  const mine = strokes.filter(({by}) => by === 'you').length;
  return `Strokes: ${mine} by you, ${strokes.length - mine} by the model`;
}
