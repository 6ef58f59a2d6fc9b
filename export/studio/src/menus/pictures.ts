// Small pictures of words, drawn by the model when they are asked for.

import {PAPER, fit} from '../drawing/frame';
import {Growth, type Stroke} from '../drawing/strokes';
import type {Model} from '../model/client';
import {threshold} from '../model/critic';
import type {Condition, Metadata} from '../model/protocol';

const SEED = 1;
const TEMPERATURE = 0.1;
const TRIES = 4;

export class Pictures {
  #drawn = new Map<string, readonly Stroke[]>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly model: Model,
    private readonly metadata: Metadata,
    private readonly recognizes: boolean,
  ) {}

  /** Of a word, after those that were asked for before, if it is wanted then. */
  async of(
    word: string,
    condition: Condition,
    signal: AbortSignal,
  ): Promise<readonly Stroke[] | undefined> {
    const turn = this.#last.then(() => this.#draw(word, condition, signal));
    this.#last = turn.catch(() => {});
    await turn;
    return this.#drawn.get(word);
  }

  async #draw(
    word: string,
    condition: Condition,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#drawn.has(word)) return;
    const {enough, factors} = this.metadata;
    const limit = threshold(condition, enough, factors.length);
    let best: {strokes: readonly Stroke[]; score: number} | undefined;
    for (let number = 0; number < TRIES; number++) {
      if (best && (!this.recognizes || best.score >= limit)) break;
      if (signal.aborted) return;
      const strokes = await this.#try(condition, number, signal);
      if (signal.aborted) return;
      const score = await this.#judge(condition, strokes);
      if (!best || score > best.score) best = {strokes, score};
    }
    this.#drawn.set(word, fit(best!.strokes, PAPER));
  }

  async #try(
    condition: Condition,
    number: number,
    signal: AbortSignal,
  ): Promise<readonly Stroke[]> {
    const how = {temperature: TEMPERATURE, seed: SEED};
    const wanted = {...how, condition, number};
    const latents = await this.model.call('imagine', wanted);
    const drawings = [{condition, latents, number}];
    const growth = new Growth([], this.metadata.scale_factor);
    const parts = this.model.parts('draw', {...how, drawings}, signal);
    for await (const {points} of parts) {
      for (const point of points) if (!point[4]) growth.add(point);
    }
    return growth.strokes;
  }

  /** How surely it is seen, in logs; without a critic the first try will do. */
  async #judge(
    condition: Condition,
    strokes: readonly Stroke[],
  ): Promise<number> {
    if (!this.recognizes) return 0;
    if (!strokes.length) return -1e6; // worse than all that is drawn
    const drawings = [strokes.map(({points}) => points)];
    const [score] = await this.model.call('judge', {condition, drawings});
    return score;
  }
}
