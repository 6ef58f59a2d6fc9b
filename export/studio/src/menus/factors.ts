// The words of the model: a control for every factor, and their blend.

import type {Factor} from '../model/protocol';
import {element, input, make} from '../ui/dom';

const NONE = '';

interface Row {
  readonly values: readonly string[];
  readonly first: HTMLSelectElement;
  readonly second: HTMLSelectElement;
}

export class Factors {
  #rows: Row[] = [];

  constructor() {
    element('words').addEventListener('input', () => this.#tell());
  }

  /** Makes the lists of words. */
  offer(factors: readonly Factor[]): void {
    this.#rows = factors.map(({values}) => ({
      values,
      first: list(values),
      second: list(values, 'nothing'),
    }));
    element('factors').replaceChildren(
      ...this.#rows.map(({first, second}, i) =>
        make(
          'div',
          {className: 'factor'},
          make('label', {}, capital(factors[i].name), first),
          make('label', {}, 'blended with', second),
        ),
      ),
    );
    this.#tell();
  }

  /** The weights of all values of all factors; they sum to 1 per factor. */
  get condition(): number[] {
    const share = Number(input('blend').value);
    return this.#rows.flatMap(({values, first, second}) => {
      const other = second.value === NONE ? 0 : share;
      return values.map(
        (word) =>
          (word === first.value ? 1 - other : 0) +
          (word === second.value ? other : 0),
      );
    });
  }

  /** What is drawn, for file names and titles. */
  get words(): string {
    return this.#rows
      .flatMap(({first, second}) => [first.value, second.value])
      .filter(Boolean)
      .join(' ');
  }

  #tell(): void {
    const blended = this.#rows.filter(({second}) => second.value !== NONE);
    element('blend-row').hidden = !blended.length;
    const share = Math.round(100 * Number(input('blend').value));
    const others = blended.map(({second}) => second.value).join(', ');
    input('blend').setAttribute('aria-valuetext', `${share} % ${others}`);
    element('blend-value').textContent = `${share} % ${others}`;
  }
}

function list(words: readonly string[], none?: string): HTMLSelectElement {
  const select = make('select');
  if (none) select.append(new Option(none, NONE));
  select.append(...words.map((word) => new Option(word, word)));
  return select;
}

function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}
