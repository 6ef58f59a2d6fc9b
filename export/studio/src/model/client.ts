// The model as the page sees it: the worker's calls as promises and streams.

import type {Answer, Calls, Name, Part, Question} from './protocol';

interface Waiting {
  part(part: unknown): void;
  end(result: unknown): void;
  fail(error: Error): void;
}

/** The calls whose results come in parts. */
type Drawing = 'suggest' | 'optimize' | 'draw';

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

  /** A call of the worker; `part` hears what comes before the result. */
  call<N extends Name>(
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

  /** Drawings: their points, as soon as they are there. */
  async *parts<N extends Drawing>(
    name: N,
    argument: Calls[N]['argument'],
    signal: AbortSignal,
  ): AsyncGenerator<Part> {
    const queue: Part[] = [];
    let wake = () => {};
    let [ended, failed]: [boolean, Error | undefined] = [false, undefined];
    const hear = (part: Part) => (queue.push(part), wake());
    signal.addEventListener('abort', () => wake());
    this.call(name, argument, hear, signal)
      .catch((error: Error) => (failed = error))
      .finally(() => ((ended = true), wake()));
    while (!signal.aborted) {
      if (queue.length) yield queue.shift()!;
      else if (failed) throw failed;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
}
