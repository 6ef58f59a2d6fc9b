// Which model draws: one of those beside the page, or a file of the user.

import type {Source} from '../model/protocol';
import {element, make} from '../ui/dom';
import {notice} from '../ui/notice';

interface Entry {
  readonly name: string;
  /** Where it is, relative to the page. */
  readonly file: string;
  readonly bytes: number;
}

export class Models {
  #list = element<HTMLSelectElement>('model');
  #sources: Source[] = [];
  #loaded = -1; // the one that draws

  /** @param load loads a model; it may fail. */
  constructor(private readonly load: (source: Source) => Promise<void>) {
    this.#list.onchange = () => this.#choose(this.#list.selectedIndex);
  }

  /**
   * Offers what is beside the page, and a file of the user, if there is one.
   *
   * Loads the model of the name, or the first.
   */
  async begin(name?: string, own?: File): Promise<void> {
    const response = await fetch('./models.json');
    if (!response.ok) throw new Error(`models.json: ${response.status}`);
    for (const {name, file, bytes} of (await response.json()) as Entry[]) {
      this.#offer(name, {url: new URL(file, location.href).href, bytes});
    }
    if (own) this.#offer(nameOf(own), own);
    const number = Math.max(this.#find(name), 0);
    this.#list.selectedIndex = number;
    await this.load(this.#sources[number]);
    this.#loaded = number;
  }

  /** The name of the model that draws; none before there is one. */
  get name(): string | undefined {
    return this.#list.options[this.#loaded]?.text;
  }

  /** The file of the user that draws, if one does. */
  get file(): File | undefined {
    const source = this.#sources[this.#loaded];
    return source instanceof File ? source : undefined;
  }

  /** Loads the model of a name; of another one nothing. */
  async choose(name: string): Promise<void> {
    const number = this.#find(name);
    if (number >= 0 && number !== this.#loaded) await this.#choose(number);
  }

  /** Offers a file of the user, and loads it. */
  async open(file: File): Promise<void> {
    this.#offer(nameOf(file), file);
    await this.#choose(this.#sources.length - 1);
  }

  #find(name?: string): number {
    return [...this.#list.options].findIndex(({text}) => text === name);
  }

  #offer(name: string, source: Source): void {
    this.#sources.push(source);
    this.#list.append(make('option', {}, name));
  }

  /** What cannot be loaded is not offered again; the one before goes on. */
  async #choose(number: number): Promise<void> {
    this.#list.selectedIndex = number;
    try {
      await this.load(this.#sources[number]);
      this.#loaded = number;
    } catch (error) {
      notice(`${this.#list.options[number].text}: ${(error as Error).message}`);
      if (this.#sources[number] instanceof File) {
        this.#sources.splice(number, 1);
        this.#list.options[number].remove();
      }
      this.#list.selectedIndex = this.#loaded;
    }
  }
}

function nameOf({name}: File): string {
  return name.replace(/\.tflite$/i, '');
}
