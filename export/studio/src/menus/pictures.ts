// Small pictures of words, drawn by the model when they are asked for.

import {PAPER, fit} from '../drawing/frame';
import {Growth, type Stroke} from '../drawing/strokes';
import type {Model} from '../model/client';
import type {Condition, Metadata} from '../model/protocol';

const SEED = 1;
const TEMPERATURE = 0.1;

export class Pictures {
  #drawn = new Map<string, readonly Stroke[]>();
  #wanted = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: Model,
    private readonly metadata: Metadata,
  ) {}

  /** Of a word, after those that were asked for before; none if it is late. */
  async of(
    word: string,
    condition: Condition,
  ): Promise<readonly Stroke[] | undefined> {
    const {signal} = this.#wanted;
    const turn = this.#last.then(() => this.#draw(word, condition, signal));
    this.#last = turn.catch(() => {});
    await turn;
    return this.#drawn.get(word);
  }

  /** Those that were asked for are no longer needed. */
  drop(): void {
    this.#wanted.abort();
    this.#wanted = new AbortController();
  }

  async #draw(
    word: string,
    condition: Condition,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted || this.#drawn.has(word)) return;
    const how = {temperature: TEMPERATURE, seed: SEED};
    const wanted = {...how, condition, number: 0};
    const latents = await this.model.call('imagine', wanted);
    if (signal.aborted) return;
    const drawings = [{condition, latents, number: 0}];
    const growth = new Growth([], this.metadata.scale_factor);
    const parts = this.model.parts('draw', {...how, drawings}, signal);
    for await (const {points} of parts) {
      for (const point of points) if (!point[4]) growth.add(point);
    }
    if (!signal.aborted) this.#drawn.set(word, fit(growth.strokes, PAPER));
  }
}
