// Several ways to go on with the drawing; a tap takes one.

import type {Stroke} from '../drawing/strokes';
import {CHANGED, DRAWN, type Studio} from '../studio';
import {button, element, say} from '../ui/dom';
import {Thumbnails} from '../ui/thumbnails';
import type {Mode} from './mode';
import {collect, judge} from './ways';

const COUNT = 8; // the ways that a file has

export class Suggest implements Mode {
  #thumbnails: Thumbnails;
  #turn: AbortSignal | undefined; // the latest one
  #begun: readonly Stroke[] = []; // what the suggestions go on from
  #ways: (readonly Stroke[])[] = [];
  #taken: readonly Stroke[] | undefined; // what is on the paper of them

  constructor(private readonly studio: Studio) {
    this.#thumbnails = new Thumbnails(element('suggestions'), {
      take: (number) => this.take(number),
      look: (number) => this.#look(number),
    });
    button('suggest').onclick = () => this.go();
    button('suggest-others').onclick = () => this.#others();
    studio.addEventListener(DRAWN, () => this.#anew());
    element('words').addEventListener('input', () => this.#anew());
    studio.addEventListener(CHANGED, () => this.#enable());
  }

  async go(): Promise<void> {
    const done = this.#suggest();
    this.#thumbnails.reveal();
    return done;
  }

  async #suggest(): Promise<void> {
    const {studio} = this;
    if (!studio.metadata) return;
    const signal = (this.#turn = studio.stop());
    if (studio.full) return say('The paper is full: undo something, or clear it.');
    const {strokes} = studio;
    this.#forget();
    this.#thumbnails.wait(COUNT);
    say('The model is looking …');
    try {
      const ways = await this.#draw(strokes, signal);
      if (!signal.aborted) this.#show(strokes, ways);
    } catch (error) {
      say((error as Error).message);
    }
    const latest = this.#turn === signal;
    if (latest && !this.#ways.length) this.#thumbnails.clear();
  }

  take(number: number): void {
    const {studio} = this;
    const way = this.#ways[number];
    if (!way) return;
    // Another one is taken in place of the one before.
    if (this.#taken && studio.strokes === this.#taken) studio.undo();
    this.#taken = [...this.#begun, ...way];
    studio.paper.peek(undefined);
    studio.change(this.#taken, `Suggestion ${number + 1} is on the paper.`);
    this.#thumbnails.choose(number);
  }

  enter(): void {
    void this.go();
  }

  leave(): void {
    this.#forget();
  }

  /** The ways to go on, best first where the model can tell. */
  async #draw(
    begun: readonly Stroke[],
    signal: AbortSignal,
  ): Promise<(readonly Stroke[])[]> {
    const {studio} = this;
    const wanted = {...studio.how, lines: studio.lines, count: COUNT};
    const parts = studio.model.parts('suggest', wanted, signal);
    const {scale_factor} = studio.metadata!;
    const ways = await collect(parts, COUNT, begun, scale_factor);
    if (signal.aborted) return [];
    const scores = await judge(
      studio,
      ways.map((way) => [...begun, ...way]),
    );
    const order = ways.map((_, i) => i).filter((i) => ways[i].length);
    return order.sort((a, b) => scores[b] - scores[a]).map((i) => ways[i]);
  }

  #show(begun: readonly Stroke[], ways: (readonly Stroke[])[]): void {
    [this.#begun, this.#ways] = [begun, ways];
    this.#thumbnails.show(
      ways.map((way, i) => ({
        strokes: [...begun, ...way],
        label: `Suggestion ${i + 1} of ${ways.length}, strokes: ${way.length}`,
      })),
    );
    say(
      ways.length
        ? `Suggestions: ${ways.length}. Tap one to take it.`
        : 'The model finds it done.',
    );
    this.#enable();
  }

  #others(): void {
    const {studio} = this;
    if (this.#taken && studio.strokes === this.#taken) studio.undo();
    studio.settings.seed++;
    void this.go();
  }

  #look(number: number | undefined): void {
    const way = number === undefined ? undefined : this.#ways[number];
    this.studio.paper.peek(way && [...this.#begun, ...way]);
  }

  /** Nothing moves under a hand that draws. */
  #anew(): void {
    if (!element('mode-suggest').hidden) void this.#suggest();
  }

  #forget(): void {
    [this.#begun, this.#ways, this.#taken] = [[], [], undefined];
    this.#thumbnails.clear();
    this.studio.paper.peek(undefined);
    this.#enable();
  }

  /** Suggestions for another drawing are none. */
  #enable(): void {
    const {metadata, strokes} = this.studio;
    const ours = [this.#begun, this.#taken].includes(strokes);
    if (this.#ways.length && !ours) return this.#forget();
    button('suggest').disabled = !metadata;
    button('suggest-others').disabled = !this.#ways.length;
  }
}
