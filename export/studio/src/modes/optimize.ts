// The whole drawing, drawn better: encoded, and drawn anew near it.

import type {Stroke} from '../drawing/strokes';
import {likeness} from '../drawing/likeness';
import {CHANGED, type Studio} from '../studio';
import {button, element, input, say} from '../ui/dom';
import {Thumbnails} from '../ui/thumbnails';
import type {Mode} from './mode';
import {collect, judge} from './ways';

const TRIED = 12; // drawings, of which the best are shown
const SHOWN = 6;
const REST = 150; // milliseconds that the slider must rest
const CALM = 0.3; // of the temperature, at the slider's end `mine`

export class Optimize implements Mode {
  #thumbnails: Thumbnails;
  #turn: AbortSignal | undefined; // the latest one
  #mine: readonly Stroke[] = []; // what was drawn before
  #variants: (readonly Stroke[])[] = [];
  #put: readonly Stroke[] | undefined; // what is on the paper of them
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly studio: Studio) {
    this.#thumbnails = new Thumbnails(element('variants'), {
      take: (number) => this.take(number),
      look: (number) => this.#look(number),
    });
    button('optimize').onclick = () => this.go();
    button('before').onclick = () => this.compare();
    input('share').oninput = () => this.#slide();
    studio.addEventListener(CHANGED, () => this.#enable());
    this.#tell();
  }

  async go(): Promise<void> {
    clearTimeout(this.#timer);
    const {studio} = this;
    const mine = this.#isPut ? this.#mine : studio.strokes;
    const signal = (this.#turn = studio.stop());
    if (!mine.length) return say('Draw something first.');
    if (!studio.encodes) return say('This model cannot look at drawings.');
    if (!this.#variants.length) this.#thumbnails.wait(SHOWN);
    this.#thumbnails.reveal();
    say('The model is looking …');
    try {
      const variants = await this.#draw(mine, signal);
      if (!signal.aborted) this.#show(mine, variants);
    } catch (error) {
      say((error as Error).message);
    }
    const latest = this.#turn === signal;
    if (latest && !this.#variants.length) this.#thumbnails.clear();
  }

  take(number: number): void {
    const variant = this.#variants[number];
    if (!variant) return;
    this.#lay(variant);
    this.#thumbnails.choose(number);
    say(`Variant ${number + 1} is on the paper. B shows what was before.`);
  }

  /** Shows the drawing as it was before, or again as it is. */
  compare(): void {
    if (!this.#isPut) return;
    const before = button('before').ariaPressed !== 'true';
    this.#setBefore(before);
    this.studio.paper.peek(before ? this.#mine : undefined);
    say(before ? 'As it was before.' : 'As it is now.');
  }

  leave(): void {
    this.#forget();
  }

  get #share(): number {
    return Number(input('share').value);
  }

  get #isPut(): boolean {
    return this.#put !== undefined && this.studio.strokes === this.#put;
  }

  /** Variants, the best first: like mine, or what the critic is sure of. */
  async #draw(
    mine: readonly Stroke[],
    signal: AbortSignal,
  ): Promise<(readonly Stroke[])[]> {
    const {studio} = this;
    const share = this.#share;
    const lines = mine.map(({points}) => points);
    const {temperature, ...how} = studio.how;
    const wanted = {
      ...how,
      temperature: temperature * (CALM + (1 - CALM) * share),
      lines,
      share,
      count: TRIED,
    };
    const parts = studio.model.parts('optimize', wanted, signal);
    const all = await collect(parts, TRIED, [], studio.metadata!.scale_factor);
    const drawn = all.filter(({length}) => length);
    if (signal.aborted) return [];
    const sure = await judge(studio, drawn);
    const scores = drawn.map((strokes, i) => {
      const like = likeness(
        lines,
        strokes.map(({points}) => points),
      );
      return (1 - share) * like + share * Math.exp(sure[i]);
    });
    const order = drawn.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
    return order.slice(0, SHOWN).map((i) => drawn[i]);
  }

  #show(mine: readonly Stroke[], variants: (readonly Stroke[])[]): void {
    this.#thumbnails.show(
      variants.map((strokes, i) => ({
        strokes,
        label: `Variant ${i + 1} of ${variants.length}`,
      })),
    );
    if (!variants.length) return say('The model would draw nothing.');
    this.#lay(variants[0]);
    [this.#mine, this.#variants] = [mine, variants];
    this.#thumbnails.choose(0);
    say('The best is on the paper. B shows what was before.');
    this.#enable();
  }

  /** In place of the variant that is there, or as a step of its own. */
  #lay(variant: readonly Stroke[]): void {
    const {studio} = this;
    const first = !this.#isPut;
    this.#put = variant;
    this.#setBefore(false);
    studio.grow(variant, first);
  }

  #slide(): void {
    this.#tell();
    clearTimeout(this.#timer);
    if (this.#isPut) this.#timer = setTimeout(() => void this.go(), REST);
  }

  #look(number: number | undefined): void {
    this.#setBefore(false);
    const variant = number === undefined ? undefined : this.#variants[number];
    this.studio.paper.peek(variant);
  }

  #setBefore(before: boolean): void {
    button('before').ariaPressed = `${before}`;
  }

  #forget(): void {
    clearTimeout(this.#timer);
    [this.#mine, this.#variants, this.#put] = [[], [], undefined];
    this.#setBefore(false);
    this.#thumbnails.clear();
    this.studio.paper.peek(undefined);
    this.#enable();
  }

  /** Variants of another drawing are none. */
  #enable(): void {
    const {encodes, strokes} = this.studio;
    if (this.#variants.length && !this.#isPut) return this.#forget();
    button('optimize').disabled = !encodes || !strokes.length;
    button('before').disabled = !this.#isPut;
  }

  #tell(): void {
    const text = `${Math.round(100 * this.#share)} % the model's`;
    input('share').setAttribute('aria-valuetext', text);
  }
}
