// You draw a stroke, the model goes on, and again and again.

import {Growth, type Point, type Stroke} from '../drawing/strokes';
import type {Part} from '../model/protocol';
import {CHANGED, DRAWN, type Studio} from '../studio';
import {button, element, input, say, sleep} from '../ui/dom';
import type {Mode} from './mode';

const PAUSE = 500; // milliseconds after a stroke in which another may begin

async function* pointsOf(parts: AsyncIterable<Part>): AsyncGenerator<Point> {
  for await (const {points} of parts) yield* points;
}

export class Continue implements Mode {
  #timer: ReturnType<typeof setTimeout> | undefined; // until it goes on

  constructor(private readonly studio: Studio) {
    button('continue').onclick = () => this.go();
    button('again').onclick = () => this.#again();
    button('keep').onclick = () => this.#keep();
    studio.addEventListener(DRAWN, () => this.#drawn());
    studio.addEventListener(CHANGED, () => this.#enable());
  }

  /** The model's turn; it ends when another one begins. */
  async go(): Promise<void> {
    clearTimeout(this.#timer);
    const {studio} = this;
    if (!studio.metadata) return;
    const signal = studio.stop();
    if (studio.full) return say('The paper is full: undo something, or clear it.');
    say('The model is looking …');
    try {
      const told = await this.#draw(signal);
      if (!signal.aborted) say(told);
    } catch (error) {
      say((error as Error).message);
    }
  }

  /** Draws point by point, as fast as is wished; returns how it ended. */
  async #draw(signal: AbortSignal): Promise<string> {
    const {studio} = this;
    const growth = new Growth(studio.strokes, studio.metadata!.scale_factor);
    let first = true;
    let due = 0; // when the next point may be shown
    const wanted = {...studio.how, lines: studio.lines, count: 1};
    for await (const point of pointsOf(
      studio.model.parts('suggest', wanted, signal),
    )) {
      if (signal.aborted) break;
      const [, , , up, end] = point;
      if (end) return first ? 'The model finds it done.' : 'Done.';
      if (first) say('The model draws …');
      await sleep(due - performance.now());
      if (signal.aborted) break;
      due = Math.max(due, performance.now()) + 1000 / studio.settings.speed;
      growth.add(point);
      studio.grow(growth.strokes, first);
      first = false;
      if (up && this.#oneStroke) return 'Your turn.';
    }
    return 'The paper is full.';
  }

  get #oneStroke(): boolean {
    const chosen = document.querySelector<HTMLInputElement>(
      '[name=length]:checked',
    )!;
    return chosen.value === 'stroke';
  }

  #drawn(): void {
    if (!input('live').checked || element('mode-continue').hidden) return;
    clearTimeout(this.#timer);
    const {strokes} = this.studio;
    this.#timer = setTimeout(() => {
      if (this.studio.strokes === strokes) void this.go();
    }, PAUSE);
  }

  /** Takes back what the model drew last, and lets it draw something else. */
  #again(): void {
    const {studio} = this;
    studio.stop();
    if (studio.strokes.at(-1)?.by === 'model') studio.undo();
    studio.settings.seed++;
    void this.go();
  }

  /** What the model drew becomes the user's. */
  #keep(): void {
    const {studio} = this;
    const kept = studio.strokes.map(
      ({points}): Stroke => ({by: 'you', points}),
    );
    studio.change(kept, 'Kept: it is yours.');
  }

  #enable(): void {
    const {metadata, strokes} = this.studio;
    button('continue').disabled = button('again').disabled = !metadata;
    button('keep').disabled = strokes.every(({by}) => by === 'you');
  }
}
