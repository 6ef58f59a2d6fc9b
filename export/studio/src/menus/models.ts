// Which model draws: one of those beside the page, or a file of the user.

import type {Source} from '../model/protocol';
import {button, element, input, make, say} from '../ui/dom';

interface Entry {
  readonly name: string;
  /** Where it is, relative to the page. */
  readonly file: string;
  readonly bytes: number;
}

const ENDING = '.tflite';

export class Models {
  #list = element<HTMLSelectElement>('model');
  #sources: Source[] = [];
  #loaded = 0; // the one that draws

  /** @param load loads a model; it may fail. */
  constructor(private readonly load: (source: Source) => Promise<void>) {
    this.#list.onchange = () => this.#choose(this.#list.selectedIndex);
    button('model-open').onclick = () => input('model-file').click();
    input('model-file').onchange = () => {
      const [file] = input('model-file').files!;
      if (file) void this.open(file);
    };
  }

  /** Offers what is beside the page, and loads the first of it. */
  async begin(): Promise<void> {
    const response = await fetch('./models.json');
    if (!response.ok) throw new Error(`models.json: ${response.status}`);
    for (const {name, file, bytes} of (await response.json()) as Entry[]) {
      this.#offer(name, {url: new URL(file, location.href).href, bytes});
    }
    await this.load(this.#sources[0]);
  }

  /** The name of the model that draws. */
  get name(): string {
    return this.#list.options[this.#loaded].text;
  }

  /** Loads the model of a name; of another one nothing. */
  async choose(name: string): Promise<void> {
    const number = [...this.#list.options].findIndex(({text}) => text === name);
    if (number >= 0 && number !== this.#loaded) await this.#choose(number);
  }

  /** Offers a file of the user, and loads it. */
  async open(file: File): Promise<void> {
    this.#offer(file.name.replace(ENDING, ''), file);
    await this.#choose(this.#sources.length - 1);
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
      say(`${this.#list.options[number].text}: ${(error as Error).message}`);
      if (this.#sources[number] instanceof File) {
        this.#sources.splice(number, 1);
        this.#list.options[number].remove();
      }
      this.#list.selectedIndex = this.#loaded;
    }
  }
}

/** Whether a file may be a model. */
export function isModel({name}: File): boolean {
  return name.toLowerCase().endsWith(ENDING);
}
