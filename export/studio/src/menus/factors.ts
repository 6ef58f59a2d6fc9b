// The words of the model: a control for every factor, and their blend.

import type {Stroke} from '../drawing/strokes';
import type {Condition, Factor} from '../model/protocol';
import {Combobox} from '../ui/combobox';
import {button, element, input, make} from '../ui/dom';

export const NONE = 'nothing';
const FEW = 12; // values that a plain list is made of
const FAVOURITE = 'cat'; // of many values, the first choice

/** Draws small pictures of conditions, by a name of each. */
export interface Illustrator {
  of(
    name: string,
    condition: Condition,
    signal: AbortSignal,
  ): Promise<readonly Stroke[] | undefined>;
}

/** What is chosen: per factor a value, and what it is blended with. */
export interface Choice {
  readonly values: readonly (readonly [first: string, second: string])[];
  readonly share: number; // of the second ones
}

interface Control {
  value: string;
  readonly root: HTMLElement;
}

interface Row {
  readonly factor: Factor;
  readonly first: Control;
  readonly second: Control;
}

export class Factors {
  #rows: Row[] = [];

  constructor() {
    element('words').addEventListener('input', () => this.#tell());
    button('blended').onclick = () => (this.blending = !this.blending);
  }

  /** Makes the lists of words. */
  offer(factors: readonly Factor[], illustrator: Illustrator): void {
    this.#rows = [];
    const picture = (row: number) => (word: string, signal: AbortSignal) =>
      illustrator.of(`${row} ${word}`, this.#weights(row, word), signal);
    this.#rows = factors.map((factor, i) => {
      const make = (label: string, none?: string) =>
        control(factor.values, none, label, {picture: picture(i)});
      return {
        factor,
        first: make(capital(factor.name)),
        second: make('blended with', NONE),
      };
    });
    element('factors').replaceChildren(
      ...this.#rows.map(({factor, first, second}) =>
        make(
          'div',
          {className: 'factor'},
          make('div', {}, caption(capital(factor.name)), first.root),
          make(
            'div',
            {className: 'second'},
            caption('blended with'),
            second.root,
          ),
        ),
      ),
    );
    this.blending = false;
  }

  get choice(): Choice {
    const values = this.#rows.map(
      ({first, second}) => [first.value, second.value] as const,
    );
    return {values, share: Number(input('blend').value)};
  }

  /** What the model does not know is left as it is. */
  set choice({values, share}: Choice) {
    this.blending = values.some(([, second]) => second !== NONE);
    this.#rows.forEach(({first, second}, i) => {
      [first.value, second.value] = values[i] ?? [first.value, NONE];
    });
    input('blend').value = `${share}`;
    this.#tell();
  }

  /** Chooses a word, if it is one of the model. */
  tryWord(word: string): void {
    const row = this.#rows.find(({factor}) => factor.values.includes(word));
    if (!row) return;
    row.first.value = word;
    this.#tell();
  }

  /** The weights of all values of all factors; they sum to 1 per factor. */
  get condition(): number[] {
    return this.conditionAt(Number(input('blend').value));
  }

  /** The same for another share of what is blended in. */
  conditionAt(share: number): number[] {
    return this.#rows.flatMap(({factor, first, second}) => {
      const other = second.value === NONE ? 0 : share;
      return factor.values.map(
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
      .filter((word) => word !== NONE)
      .join(' ');
  }

  /** Whether there is a second word to blend in. */
  get blending(): boolean {
    return button('blended').ariaPressed === 'true';
  }

  set blending(on: boolean) {
    button('blended').ariaPressed = `${on}`;
    button('blended').textContent = on ? 'Do not blend' : 'Blend with another';
    element('words').classList.toggle('blending', on);
    if (!on) for (const {second} of this.#rows) second.value = NONE;
    this.#tell();
  }

  /** Blends the first factor with another of its values, whichever. */
  blendWithAny(): void {
    this.blending = true;
    const [row] = this.#rows;
    const others =
      row?.factor.values.filter((word) => word !== row.first.value) ?? [];
    if (!others.length) return;
    row.second.value = others[Math.floor(Math.random() * others.length)];
    this.#tell();
  }

  /** The words at either end of the blend, 0 or 1. */
  wordsAt(share: number): string {
    return this.#rows
      .map(({first, second}) =>
        share === 1 && second.value !== NONE ? second.value : first.value,
      )
      .join(' ');
  }

  /** The condition with a word in place of a factor's value. */
  #weights(row: number, word: string): number[] {
    return this.#rows.flatMap(({factor, first}, i) => {
      const chosen = i === row ? word : first.value;
      return factor.values.map((value) => (value === chosen ? 1 : 0));
    });
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

/** A plain list of few words; of many, one to search in. */
function control(
  values: readonly string[],
  none: string | undefined,
  label: string,
  handlers: ConstructorParameters<typeof Combobox>[2],
): Control {
  const words = none ? [none, ...values] : values;
  if (values.length > FEW) {
    const sorted = [...values].sort((a, b) => a.localeCompare(b));
    const list = none ? [none, ...sorted] : sorted;
    const combobox = new Combobox(list, label, handlers);
    combobox.value = none ?? FAVOURITE;
    return combobox;
  }
  const root = make('select', {ariaLabel: label});
  root.append(...words.map((word) => new Option(word, word)));
  return {
    root,
    get value() {
      return root.value;
    },
    set value(word) {
      if (words.includes(word)) root.value = word;
    },
  };
}

function caption(text: string): HTMLElement {
  return make('span', {className: 'caption', ariaHidden: 'true'}, text);
}

function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}
