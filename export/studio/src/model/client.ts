// The model as the page sees it: the worker's calls as promises and streams.

import type {Point} from '../drawing/strokes';
import type {Answer, Calls, How, Metadata, Name, Question, Source} from './protocol';

interface Waiting {
  part(part: unknown): void;
  end(result: unknown): void;
  fail(error: Error): void;
}

export class Model {
  #worker = new Worker(new URL('./worker.ts', import.meta.url));
  #waiting = new Map<number, Waiting>();
  #number = 0;

  constructor() {
    this.#worker.onmessage = ({data}: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.number);
      if ('part' in data) return waiting?.part(data.part);
      this.#waiting.delete(data.number);
      if ('error' in data) waiting?.fail(new Error(data.error));
      else waiting?.end(data.result);
    };
    this.#worker.onerror = ({message}) => {
      const error = new Error(message || 'The model could not be started.');
      for (const waiting of this.#waiting.values()) waiting.fail(error);
      this.#waiting.clear();
    };
  }

  /** `progress` hears shares from 0 to 1. */
  async load(
    source: Source,
    progress: (share: number) => void,
  ): Promise<Metadata> {
    return (await this.#call('load', source, progress)) as Metadata;
  }

  /** Goes on with a drawing: points, as soon as they are there. */
  complete(
    how: How,
    points: readonly Point[],
    signal: AbortSignal,
  ): AsyncGenerator<Point> {
    return this.#points('complete', {...how, points}, signal);
  }

  async *#points(
    name: Name,
    argument: Calls[Name]['argument'],
    signal: AbortSignal,
  ): AsyncGenerator<Point> {
    const queue: Point[] = [];
    let wake = () => {};
    let [ended, failed]: [boolean, Error | undefined] = [false, undefined];
    this.#call(
      name,
      argument,
      (part) => (queue.push(...(part as Point[])), wake()),
      signal,
    )
      .catch((error: Error) => (failed = error))
      .finally(() => ((ended = true), wake()));
    signal.addEventListener('abort', () => wake());
    while (!signal.aborted) {
      if (queue.length) yield queue.shift()!;
      else if (failed) throw failed;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  #call<N extends Name>(
    name: N,
    argument: Calls[N]['argument'],
    part: (part: Calls[N]['part']) => void = () => {},
    signal?: AbortSignal,
  ): Promise<Calls[N]['result']> {
    const number = this.#number++;
    const send = (question: Question) => this.#worker.postMessage(question);
    send({number, name, argument});
    signal?.addEventListener('abort', () => {
      if (this.#waiting.has(number)) send({number, cancel: true});
    });
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, {
        part: part as (part: unknown) => void,
        end: resolve as (result: unknown) => void,
        fail: reject,
      });
    });
  }
}
