// Mouse, pen and fingers on the paper: one draws, two zoom, palms are ignored.

import type {Place} from '../drawing/strokes';

export interface PointerHandlers {
  down(at: Place): void;
  move(places: Place[]): void;
  up(): void;
  /** What was begun was no stroke. */
  cancel(): void;
  /** Two fingers: the place between them, and how far apart they went. */
  pinch(factor: number, from: Place, to: Place): void;
}

const PALM = 60; // pixels of a touch that no finger has
const YOUNG = 300; // milliseconds in which a second finger makes it a pinch
const PEN_REST = 1500; // milliseconds after a pen in which touches are palms

export class Pointers {
  #drawing: number | undefined; // the pointer that draws
  #begun = 0; // when it began
  #fingers = new Map<number, DOMPoint>(); // on the paper, in client pixels
  #pinching = false;
  #penUntil = 0;

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly handlers: PointerHandlers,
  ) {
    const listen = (name: string, handler: (event: PointerEvent) => void) =>
      svg.addEventListener(name, handler as EventListener);
    listen('pointerdown', (event) => this.#down(event));
    listen('pointermove', (event) => this.#move(event));
    listen('pointerup', (event) => this.#up(event));
    listen('pointercancel', (event) => this.#up(event));
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || this.#isPalm(event)) return;
    this.svg.setPointerCapture(event.pointerId);
    if (event.pointerType === 'pen') this.#dropFingers();
    if (event.pointerType === 'touch') {
      this.#fingers.set(event.pointerId, at(event));
      if (this.#fingers.size === 2) this.#beginPinch(event);
    }
    if (this.#drawing !== undefined || this.#pinching) return;
    this.#drawing = event.pointerId;
    this.#begun = event.timeStamp;
    this.handlers.down(this.#place(at(event)));
  }

  #move(event: PointerEvent): void {
    if (event.pointerType === 'pen') this.#penUntil = event.timeStamp + PEN_REST;
    if (this.#pinching) return this.#pinch(event);
    if (event.pointerId !== this.#drawing) return;
    // A browser gathers the places between two frames.
    const gathered = event.getCoalescedEvents?.() ?? [];
    const events = gathered.length ? gathered : [event];
    this.handlers.move(events.map((one) => this.#place(at(one))));
  }

  #up(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId);
    if (!this.#fingers.size) this.#pinching = false;
    if (event.pointerId !== this.#drawing) return;
    this.#drawing = undefined;
    this.handlers.up();
  }

  /** A hand that rests while a pen draws, or a contact of a palm's size. */
  #isPalm({pointerType, timeStamp, width, height}: PointerEvent): boolean {
    if (pointerType === 'pen') this.#penUntil = timeStamp + PEN_REST;
    if (pointerType !== 'touch') return false;
    return timeStamp < this.#penUntil || Math.max(width, height) > PALM;
  }

  /** A pen takes over from the hand that came first. */
  #dropFingers(): void {
    if (this.#drawing !== undefined) this.handlers.cancel();
    this.#drawing = undefined;
    this.#fingers.clear();
    this.#pinching = false;
  }

  /** Unless the first finger has been drawing for a while. */
  #beginPinch({timeStamp}: PointerEvent): void {
    if (this.#drawing !== undefined) {
      if (timeStamp - this.#begun > YOUNG) return;
      this.handlers.cancel();
      this.#drawing = undefined;
    }
    this.#pinching = true;
  }

  #pinch(event: PointerEvent): void {
    if (!this.#fingers.has(event.pointerId) || this.#fingers.size < 2) return;
    const [from, reach] = this.#span();
    this.#fingers.set(event.pointerId, at(event));
    const [to, now] = this.#span();
    this.handlers.pinch(now / reach, this.#place(from), this.#place(to));
  }

  /** The middle of two fingers, and how far apart they are. */
  #span(): [DOMPoint, number] {
    const [a, b] = this.#fingers.values();
    const middle = new DOMPoint((a.x + b.x) / 2, (a.y + b.y) / 2);
    return [middle, Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1)];
  }

  #place(point: DOMPoint): Place {
    const matrix = this.svg.getScreenCTM()!.inverse();
    const {x, y} = point.matrixTransform(matrix);
    return [x, y];
  }
}

function at({clientX, clientY}: PointerEvent): DOMPoint {
  return new DOMPoint(clientX, clientY);
}
