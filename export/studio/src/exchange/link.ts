// A link that holds what is to be drawn: words, temperature, seed and model.

import {type Choice, NONE} from '../menus/factors';
import type {Models} from '../menus/models';
import type {Factor} from '../model/protocol';
import {CHANGED, type Studio} from '../studio';
import {button, say} from '../ui/dom';
import {notice} from '../ui/notice';

interface Wish {
  /** As the command line has it: `cat*0.75+pig*0.25`. */
  readonly draw?: string;
  readonly temperature?: number;
  readonly seed?: number;
  readonly model?: string;
}

/** What the address asks for, when the page opens and when it changes. */
export class Link {
  #wish = readWish(location.hash);

  constructor(
    private readonly studio: Studio,
    private readonly models: Models,
  ) {
    button('link').onclick = () => this.#copy();
    studio.addEventListener(CHANGED, () => {
      button('link').disabled = !studio.metadata;
    });
    addEventListener('hashchange', () => {
      this.#wish = readWish(location.hash);
      void this.follow();
    });
  }

  /** The model that is asked for. */
  get model(): string | undefined {
    return this.#wish.model;
  }

  /** Sets what is asked for; the address is free then for a reload. */
  async follow(): Promise<void> {
    const {draw, temperature, seed, model} = this.#wish;
    const {settings} = this.studio;
    if (location.hash) history.replaceState(null, '', location.pathname);
    if (model) await this.models.choose(model);
    if (temperature !== undefined) settings.temperature = temperature;
    if (seed !== undefined) settings.seed = seed;
    if (draw !== undefined) this.#choose(draw);
  }

  #choose(draw: string): void {
    const {factors, metadata} = this.studio;
    const [choice, unknown] = choiceOf(draw, metadata!.factors, factors.choice);
    factors.choice = choice;
    if (unknown.length) {
      notice(
        'A link must ask for words of the model; this one asks for ' +
          `${unknown.join(', ')}. Choose another word, or another model.`,
      );
    } else say('As the link says: draw a stroke, or press Continue.');
  }

  async #copy(): Promise<void> {
    const {factors, settings, metadata} = this.studio;
    const fields = {
      draw: drawText(factors.choice, metadata!.factors),
      temperature: settings.temperature,
      seed: settings.seed,
      model: this.models.name!,
    };
    const hash = Object.entries(fields)
      .map(([name, value]) => `${name}=${readable(value)}`)
      .join('&');
    const {href} = new URL(`#${hash}`, location.href);
    try {
      await navigator.clipboard.writeText(href);
      say('Copied: a link with words, temperature and seed.');
    } catch {
      notice(`The clipboard cannot be written. The link: ${href}`);
    }
  }
}

/** Encoded where it must be, and as people write it elsewhere. */
function readable(value: string | number): string {
  return encodeURIComponent(value).replace(/%(2B|2C|3D)/g, decodeURIComponent);
}

function readWish(hash: string): Wish {
  // A plus is a plus here, and no space.
  const fields = new URLSearchParams(hash.slice(1).replaceAll('+', '%2B'));
  const text = (name: string) => fields.get(name) ?? undefined;
  const number = (name: string) => {
    const value = Number(fields.get(name) || NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  return {
    draw: text('draw'),
    temperature: number('temperature'),
    seed: number('seed'),
    model: text('model'),
  };
}

function drawText({values, share}: Choice, factors: readonly Factor[]): string {
  const rest = Number((1 - share).toFixed(2));
  const terms = values.map(([first, second]) =>
    second === NONE ? first : `${first}*${rest}+${second}*${share}`,
  );
  if (terms.length === 1) return terms[0];
  return terms.map((term, i) => `${factors[i].name}=${term}`).join(',');
}

/** A choice, and the words that are in none of the factors. */
function choiceOf(
  text: string,
  factors: readonly Factor[],
  {values, share}: Choice,
): [Choice, string[]] {
  const chosen = [...values];
  const unknown: string[] = [];
  for (const part of text.split(',')) {
    const [, name, blend] = part.match(/^(?:(.*?)=)?(.*)$/)!;
    const terms = blend.split('+').map((term) => term.split('*'));
    const words = terms.map(([word]) => word.trim());
    const i = factors.findIndex(
      (factor) =>
        (!name || factor.name === name) &&
        words.every((word) => factor.values.includes(word)),
    );
    if (i < 0) unknown.push(...words);
    else chosen[i] = [words[0], words[1] ?? NONE];
    if (i >= 0 && terms[1]) share = shareOf(terms);
  }
  return [{values: chosen, share}, unknown];
}

/** The second term's weight of both. */
function shareOf(terms: readonly string[][]): number {
  const [first, second] = terms.map(([, weight]) => Number(weight ?? 1) || 0);
  return second / (first + second || 1);
}
