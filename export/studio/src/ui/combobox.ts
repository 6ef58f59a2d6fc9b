// A list of many words that one searches by typing, with small pictures.
//
// The pattern is ARIA's: the focus stays in the field, and says which option
// the arrow keys are at.

import type {Stroke} from '../drawing/strokes';
import {make} from './dom';
import {draws} from './thumbnails';

export interface ComboboxHandlers {
  /** A picture of a word; none if the signal came first. */
  picture(
    word: string,
    signal: AbortSignal,
  ): Promise<readonly Stroke[] | undefined>;
}

let lists = 0;

export class Combobox {
  readonly root: HTMLElement;
  #field: HTMLInputElement;
  #list: HTMLUListElement;
  #value: string;
  #options: HTMLLIElement[];
  #at: HTMLLIElement | undefined; // of the arrow keys
  #seen: IntersectionObserver;
  #awaited = new Map<string, AbortController>(); // pictures, by their words

  /** @param words the first one is chosen. */
  constructor(
    private readonly words: readonly string[],
    label: string,
    private readonly handlers: ComboboxHandlers,
  ) {
    this.#value = words[0];
    const id = `list-${lists++}`;
    this.#list = make('ul', {
      id,
      role: 'listbox',
      ariaLabel: label,
      hidden: true,
    });
    this.#field = make('input', {
      type: 'text',
      role: 'combobox',
      ariaLabel: label,
      ariaExpanded: 'false',
      ariaAutoComplete: 'list',
      autocomplete: 'off',
      spellcheck: false,
      value: this.#value,
    });
    this.#field.setAttribute('aria-controls', id);
    this.root = make('div', {className: 'combobox'}, this.#field, this.#list);
    this.#options = words.map((word, i) => this.#option(word, `${id}-${i}`));
    this.#seen = new IntersectionObserver((entries) => this.#look(entries), {
      root: this.#list,
    });
    for (const option of this.#options) this.#seen.observe(option);
    this.#listen();
  }

  get value(): string {
    return this.#value;
  }

  /** Unknown words are left out. */
  set value(word: string) {
    if (this.words.includes(word)) this.#value = word;
    this.#field.value = this.#value;
  }

  #listen(): void {
    const field = this.#field;
    field.onfocus = () => field.select();
    field.onclick = () => this.#open();
    field.oninput = (event) => {
      event.stopPropagation(); // it is no choice yet
      this.#open();
      this.#filter(field.value);
    };
    field.onkeydown = (event) => this.#key(event);
    field.onblur = () => this.#close();
    // The focus stays in the field.
    this.#list.onpointerdown = (event) => event.preventDefault();
    this.#list.onclick = ({target}) => {
      const option = (target as Element).closest('li');
      if (option) this.#choose(option);
    };
  }

  #option(word: string, id: string): HTMLLIElement {
    const picture = make('span', {className: 'picture'});
    const option = make('li', {id, role: 'option'}, picture, word);
    option.dataset.word = word;
    return option;
  }

  #open(): void {
    if (!this.#list.hidden) return;
    this.#list.hidden = false;
    this.#field.ariaExpanded = 'true';
    this.#filter('');
    this.#goTo(this.#options[this.words.indexOf(this.#value)]);
    requestAnimationFrame(() => this.#list.scrollIntoView({block: 'nearest'}));
  }

  #close(): void {
    if (this.#list.hidden) return;
    this.#list.hidden = true;
    this.#field.ariaExpanded = 'false';
    this.#field.value = this.#value;
    this.#field.removeAttribute('aria-activedescendant');
  }

  /** Shows the words that have the text, those that begin with it first. */
  #filter(text: string): void {
    const wanted = text.trim().toLowerCase();
    const rank = ({dataset}: HTMLLIElement) =>
      dataset.word!.toLowerCase().indexOf(wanted);
    const found = this.#options.filter((option) => rank(option) >= 0);
    const first = (option: HTMLLIElement) => (rank(option) === 0 ? 0 : 1);
    found.sort((a, b) => first(a) - first(b));
    this.#list.replaceChildren(...found);
    this.#list.dataset.none = found.length ? '' : 'No such word';
    this.#goTo(found[0]);
  }

  #goTo(option: HTMLLIElement | undefined): void {
    this.#at?.setAttribute('aria-selected', 'false');
    this.#at = option;
    if (!option) return this.#field.removeAttribute('aria-activedescendant');
    option.setAttribute('aria-selected', 'true');
    this.#scrollTo(option);
    this.#field.setAttribute('aria-activedescendant', option.id);
  }

  /** Within the list only: the page stays where it is. */
  #scrollTo({offsetTop, offsetHeight}: HTMLLIElement): void {
    const {scrollTop, clientHeight} = this.#list;
    const least = offsetTop + offsetHeight - clientHeight;
    this.#list.scrollTop = Math.min(Math.max(scrollTop, least), offsetTop);
  }

  #key(event: KeyboardEvent): void {
    const open = !this.#list.hidden;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (open) this.#step(event.key === 'ArrowDown' ? 1 : -1);
      else this.#open();
    } else if (event.key === 'Enter' && open) {
      if (this.#at) this.#choose(this.#at);
    } else if (event.key === 'Escape' && open) this.#close();
    else return;
    event.preventDefault();
  }

  #step(by: number): void {
    const shown = [...this.#list.children] as HTMLLIElement[];
    const at = shown.indexOf(this.#at!) + by;
    this.#goTo(shown[Math.min(Math.max(at, 0), shown.length - 1)]);
  }

  #choose({dataset}: HTMLLIElement): void {
    this.value = dataset.word!;
    this.#close();
    this.root.dispatchEvent(new Event('input', {bubbles: true}));
  }

  /** Pictures are drawn of words in sight, not of those that have left it. */
  #look(entries: IntersectionObserverEntry[]): void {
    for (const {isIntersecting, target} of entries) {
      const word = (target as HTMLElement).dataset.word!;
      this.#awaited.get(word)?.abort();
      const place = target.querySelector('.picture')!;
      if (isIntersecting && !place.hasChildNodes()) {
        void this.#illustrate(word, place);
      }
    }
  }

  async #illustrate(word: string, place: Element): Promise<void> {
    const awaited = new AbortController();
    this.#awaited.set(word, awaited);
    const strokes = await this.handlers.picture(word, awaited.signal);
    if (strokes && !place.hasChildNodes()) place.append(draws(strokes));
  }
}
