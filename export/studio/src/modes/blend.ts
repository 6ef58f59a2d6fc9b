// From one word or drawing to another: a film, by hand or played.

import {PAPER, between, fit, frameOf} from '../drawing/frame';
import {slerp} from '../drawing/slerp';
import {type Stroke, boxOf} from '../drawing/strokes';
import type {Condition} from '../model/protocol';
import {CHANGED, type Studio} from '../studio';
import {button, element, input, say, sleep} from '../ui/dom';
import {Thumbnails, draws} from '../ui/thumbnails';
import type {Mode} from './mode';
import {collect} from './ways';

const STRIP = 9; // frames that are shown side by side
const BETWEEN = 3; // frames from one of them to the next
const FRAMES = (STRIP - 1) * BETWEEN + 1;
const PACE = 90; // milliseconds that a frame is seen
const REST = 600; // and each end

type Side = 'from' | 'to';
const SIDES: readonly Side[] = ['from', 'to'];

/** An end of the film. */
interface End {
  readonly condition: Condition;
  readonly latents: Float32Array;
  readonly drawing: readonly Stroke[] | undefined; // of the user
}

export class Blend implements Mode {
  #thumbnails: Thumbnails;
  #turn: AbortSignal | undefined; // the latest one
  #drawings: Record<Side, readonly Stroke[] | undefined> = {
    from: undefined,
    to: undefined,
  };
  #frames: (readonly Stroke[])[] = [];
  #put: readonly Stroke[] | undefined; // what is on the paper of them
  #playing: AbortController | undefined;
  #lent = false; // whether the second word is only for here

  constructor(private readonly studio: Studio) {
    this.#thumbnails = new Thumbnails(element('film'), {
      take: (number) => this.take(number),
      look: (number) => this.#look(number && number * BETWEEN),
    });
    button('morph').onclick = () => this.go();
    button('play').onclick = () =>
      this.#playing ? this.#stop() : this.#play();
    button('frame-take').onclick = () => this.#lay(this.#at);
    input('frame').max = `${FRAMES - 1}`;
    input('frame').oninput = () => this.#slide();
    for (const side of SIDES) {
      button(`${side}-drawing`).onclick = () => this.#use(side);
      button(`${side}-word`).onclick = () => this.#setEnd(side, undefined);
    }
    element('words').addEventListener('input', () => this.#forget());
    studio.addEventListener(CHANGED, () => this.#enable());
  }

  async go(): Promise<void> {
    const {studio} = this;
    if (!studio.metadata) return;
    const signal = (this.#turn = studio.stop());
    this.#forget();
    this.#thumbnails.wait(STRIP);
    this.#thumbnails.reveal();
    say('The model is drawing …');
    try {
      const frames = await this.#draw(signal);
      if (!signal.aborted) this.#show(frames);
    } catch (error) {
      say((error as Error).message);
    }
    const latest = this.#turn === signal;
    if (latest && !this.#frames.length) this.#thumbnails.clear();
  }

  take(number: number): void {
    if (!this.#frames.length) return;
    this.#at = number * BETWEEN;
    this.#lay(this.#at);
  }

  /** To another word, if none is chosen; not every model sees drawings. */
  enter(): void {
    const {factors, encodes} = this.studio;
    if (!encodes) for (const side of SIDES) this.#setEnd(side, undefined);
    this.#lent = !factors.blending;
    if (this.#lent) factors.blendWithAny();
    this.#forget();
  }

  leave(): void {
    if (this.#lent) this.studio.factors.blending = false;
    this.#forget();
  }

  get #at(): number {
    return Number(input('frame').value);
  }

  set #at(frame: number) {
    input('frame').value = `${frame}`;
    input('frame').setAttribute('aria-valuetext', shareOf(frame));
    this.#thumbnails.choose(
      frame % BETWEEN === 0 ? frame / BETWEEN : undefined,
    );
  }

  async #draw(signal: AbortSignal): Promise<(readonly Stroke[])[]> {
    const {studio} = this;
    const [from, to] = [await this.#end('from'), await this.#end('to')];
    const drawings = Array.from({length: FRAMES}, (_, i) => {
      const share = i / (FRAMES - 1);
      return {
        condition: from.condition.map(
          (x, k) => x + share * (to.condition[k] - x),
        ),
        latents: slerp(from.latents, to.latents, share),
        number: 0,
      };
    });
    const {temperature, seed} = studio.settings;
    const parts = studio.model.parts(
      'draw',
      {temperature, seed, drawings},
      signal,
    );
    const {scale_factor} = studio.metadata!;
    const frames = await collect(parts, FRAMES, [], scale_factor);
    return from.drawing || to.drawing ? placed(frames, from, to) : frames;
  }

  async #end(side: Side): Promise<End> {
    const {model, factors, settings} = this.studio;
    const condition = factors.conditionAt(side === 'from' ? 0 : 1);
    const drawing = this.#drawings[side];
    const {temperature, seed} = settings;
    const latents = drawing
      ? await model.call('encode', {
          condition,
          lines: drawing.map(({points}) => points),
        })
      : await model.call('imagine', {condition, temperature, seed, number: 0});
    return {condition, latents, drawing};
  }

  #show(frames: (readonly Stroke[])[]): void {
    this.#frames = frames;
    this.#thumbnails.show(
      frames
        .filter((_, i) => i % BETWEEN === 0)
        .map((strokes, i) => ({strokes, label: shareOf(i * BETWEEN)})),
      boxOf(frames.flat()),
    );
    this.#enable();
    this.#at = 0;
    say('Play the film, or tap a picture to take it.');
  }

  /** Puts a frame on the paper; another one in its place. */
  #lay(frame: number): void {
    const {studio} = this;
    this.#stop();
    const strokes = this.#frames[frame];
    if (!strokes?.length) return;
    const first = studio.strokes !== this.#put;
    this.#put = strokes;
    studio.paper.peek(undefined);
    studio.grow(strokes, first);
    say(`${shareOf(frame)} is on the paper.`);
  }

  /** Shows a frame for a while. */
  #look(frame: number | undefined): void {
    if (this.#playing) return;
    this.studio.paper.peek(
      frame === undefined ? undefined : this.#frames[frame],
    );
  }

  #slide(): void {
    this.#stop();
    this.#at = Number(input('frame').value);
    this.#look(this.#at);
  }

  /** There and back, until it is stopped. */
  async #play(): Promise<void> {
    if (!this.#frames.length) await this.go();
    if (!this.#frames.length) return;
    const {signal} = (this.#playing = new AbortController());
    button('play').textContent = 'Stop';
    const last = FRAMES - 1;
    for (let i = this.#at; !signal.aborted; i = (i + 1) % (2 * last)) {
      const frame = i > last ? 2 * last - i : i;
      this.#at = frame;
      this.studio.paper.peek(this.#frames[frame]);
      await sleep(frame % last ? PACE : REST);
    }
  }

  #stop(): void {
    this.#playing?.abort();
    this.#playing = undefined;
    button('play').textContent = 'Play';
    this.studio.paper.peek(undefined);
  }

  /** The drawing on the paper becomes an end. */
  #use(side: Side): void {
    const {strokes, encodes} = this.studio;
    if (!encodes) return say('This model cannot look at drawings.');
    if (!strokes.length) return say('Draw something first.');
    this.#setEnd(side, strokes);
  }

  #setEnd(side: Side, drawing: readonly Stroke[] | undefined): void {
    this.#drawings[side] = drawing;
    button(`${side}-drawing`).ariaPressed = `${drawing !== undefined}`;
    button(`${side}-word`).ariaPressed = `${drawing === undefined}`;
    const picture = drawing ? [draws(drawing)] : [];
    element(`${side}-picture`).replaceChildren(...picture);
    this.#forget();
  }

  #forget(): void {
    this.#stop();
    [this.#frames, this.#put] = [[], undefined];
    this.#thumbnails.clear();
    this.#enable();
  }

  #enable(): void {
    const {metadata, encodes, strokes, factors} = this.studio;
    button('morph').disabled = button('play').disabled = !metadata;
    SIDES.forEach((side, share) => {
      button(`${side}-word`).textContent = factors.wordsAt(share);
      button(`${side}-drawing`).disabled = !encodes || !strokes.length;
    });
    input('frame').disabled = !this.#frames.length;
    button('frame-take').disabled = !this.#frames.length;
  }
}

/** The user's drawings are ends as they are; what is between is placed so. */
function placed(
  frames: readonly (readonly Stroke[])[],
  from: End,
  to: End,
): (readonly Stroke[])[] {
  const [start, stop] = [from, to].map(({drawing}) =>
    drawing ? frameOf(drawing.map(({points}) => points)) : PAPER,
  );
  return frames.map((strokes, i) => {
    if (i === 0 && from.drawing) return from.drawing;
    if (i === FRAMES - 1 && to.drawing) return to.drawing;
    return fit(strokes, between(start, stop, i / (FRAMES - 1)));
  });
}

/** Where on the way a frame is. */
function shareOf(frame: number): string {
  if (frame === 0) return 'The beginning';
  if (frame === FRAMES - 1) return 'The end';
  return `${Math.round((100 * frame) / (FRAMES - 1))} % of the way`;
}
