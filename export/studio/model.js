// The model as the page sees it: calls of the worker as promises.

export class Model {
  #worker = new Worker('./worker.js');
  #waiting = new Map();
  #number = 0;

  /** `progress` hears the share of the file that has come. */
  constructor(progress) {
    this.#worker.onmessage = ({data: [number, result, error]}) => {
      if (number === 'progress') return progress(result);
      const {resolve, reject} = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    };
    this.#worker.onerror = ({message}) => {
      const error = new Error(message || 'The model could not be started.');
      for (const {reject} of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  /** Resolves to the metadata. */
  load(url) {
    return this.#call('load', url);
  }

  /** See `PhoneSketcher.begin`. */
  begin(request) {
    return this.#call('begin', request);
  }

  /** See `PhoneSketcher.next`. */
  next() {
    return this.#call('next');
  }

  #call(name, argument) {
    const number = this.#number++;
    this.#worker.postMessage([number, name, argument]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, {resolve, reject});
    });
  }
}
