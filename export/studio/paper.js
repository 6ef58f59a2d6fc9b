// The paper: shows strokes, and takes new ones from a pointer or the keyboard.

import {SIDE, boxOf, lastPlace, pathOf, toStroke} from './strokes.js';

const SVG = 'http://www.w3.org/2000/svg';
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 12; // pixels, of an arrow key

export class Paper {
  #svg = document.querySelector('#paper');
  #ink = document.querySelector('#ink');
  #pen = document.querySelector('#pen');
  #hint = document.querySelector('#hint');
  #box = boxOf([]); // that is shown
  #place = [SIDE / 2, SIDE / 2]; // of the keyboard's pen
  #trail = null; // of the stroke that is being drawn
  #redraw; // shows it anew
  #handlers;

  /** `begun()` hears of a stroke's first point, `drawn(points)` of them all. */
  constructor(handlers) {
    this.#handlers = handlers;
    const listen = (name, handler) =>
      this.#svg.addEventListener(name, handler);
    listen('pointerdown', (event) => this.#down(event));
    listen('pointermove', (event) => this.#move(event));
    for (const name of ['pointerup', 'pointercancel']) {
      // Not of a second finger.
      listen(name, ({pointerId}) => {
        if (this.#svg.hasPointerCapture(pointerId)) this.#end();
      });
    }
    listen('keydown', (event) => this.#key(event));
    listen('blur', () => {
      this.#end();
      this.#pen.setAttribute('hidden', '');
    });
  }

  /** Draws all strokes anew, and tells of them in words. */
  show(strokes) {
    this.#box = boxOf(strokes);
    this.#svg.setAttribute('viewBox', this.#box.join(' '));
    this.#ink.replaceChildren();
    for (const stroke of strokes) this.#add(stroke);
    const count = (by) => strokes.filter((stroke) => stroke.by === by).length;
    this.#svg.setAttribute(
      'aria-label',
      strokes.length
        ? `Strokes: ${count('you')} by you, ${count('model')} by the model`
        : 'Empty paper',
    );
    this.#hint.hidden = strokes.length > 0 || this.#trail !== null;
    if (this.#trail) this.#redraw = this.#add({by: 'you', points: this.#trail});
    else if (strokes.length) this.#place = lastPlace(strokes);
  }

  /** Adds a stroke and returns how to redraw it when it grows. */
  #add(stroke) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', stroke.by);
    const redraw = () => path.setAttribute('d', pathOf(stroke.points));
    redraw();
    this.#ink.append(path);
    return redraw;
  }

  #down(event) {
    if (event.button !== 0 || this.#trail) return;
    this.#svg.setPointerCapture(event.pointerId);
    this.#pen.setAttribute('hidden', '');
    this.#begin(this.#placeOf(event));
  }

  #move(event) {
    if (!this.#trail || !this.#svg.hasPointerCapture(event.pointerId)) return;
    // A browser gathers the places between two frames.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      this.#extend(this.#placeOf(one));
    }
  }

  #begin(place) {
    this.#handlers.begun();
    this.#hint.hidden = true;
    this.#trail = [place];
    this.#redraw = this.#add({by: 'you', points: this.#trail});
  }

  #extend(place) {
    this.#trail.push(place);
    this.#redraw();
  }

  #end() {
    if (!this.#trail) return;
    const points = toStroke(this.#trail);
    this.#trail = null;
    this.#pen.classList.remove('down');
    this.#handlers.drawn(points);
  }

  #placeOf(event) {
    const {x, y} = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      this.#svg.getScreenCTM().inverse(),
    );
    return this.#inside(x, y);
  }

  #key(event) {
    const arrow = ARROWS[event.key];
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (modified || !(arrow || event.key === ' ' || event.key === 'Escape')) {
      return;
    }
    event.preventDefault();
    this.#pen.removeAttribute('hidden');
    if (arrow) this.#walk(arrow, event.shiftKey ? STEP / 6 : STEP);
    else if (this.#trail) this.#end();
    else if (event.key === ' ') {
      this.#begin(this.#place);
      this.#pen.classList.add('down');
    }
    this.#pen.setAttribute('transform', `translate(${this.#place})`);
  }

  #walk([dx, dy], step) {
    const [x, y] = this.#place;
    this.#place = this.#inside(x + dx * step, y + dy * step);
    if (this.#trail) this.#extend(this.#place);
  }

  /** The nearest place that can be seen. */
  #inside(...place) {
    const [, , side] = this.#box;
    return place.map((number, axis) => {
      const low = this.#box[axis];
      return Math.min(Math.max(number, low), low + side);
    });
  }
}
