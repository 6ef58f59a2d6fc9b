// The work is kept on this device: a reload, or a crash, loses nothing.

import {createStore, get, setMany} from 'idb-keyval';
import type {Chronicle} from '../drawing/history';
import type {Choice} from '../menus/factors';
import type {Models} from '../menus/models';
import {CHANGED, type Studio} from '../studio';
import {type Settings, readControls, setControls} from './controls';
import {takeRecord} from './record';

/** What is kept. */
export interface Work {
  readonly drawing: Chronicle;
  readonly settings: Settings;
  readonly model?: string;
  /** None, if it was left before a model was there. */
  readonly choice?: Choice;
}

const PAUSE = 300; // milliseconds without a change, until it is written
const KEY = 'work'; // and a record's number
const NEWEST = 'newest'; // the number of the record that was written last
const OWN_MODEL = 'model';

export class KeptWork {
  // One origin may have several studios, each in a folder of its own.
  #scope = `studio ${new URL('./', location.href).pathname}`;
  #store = createStore(this.#scope, KEY);
  #record = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #found: Work | undefined;
  #ownModel: File | undefined;

  constructor(
    private readonly studio: Studio,
    private readonly models: Models,
  ) {}

  /** The file of the user that was loaded last. */
  get ownModel(): File | undefined {
    return this.#ownModel;
  }

  /** Puts back what was kept, and keeps what changes from now on. */
  async begin(): Promise<Work | undefined> {
    try {
      this.#ownModel = await get<File>(OWN_MODEL, this.#store);
      const newest = await get<number>(NEWEST, this.#store);
      this.#record = await takeRecord(this.#scope, newest);
      this.#found = await get<Work>(this.#key, this.#store);
      if (this.#found) {
        setControls(this.#found.settings);
        this.studio.chronicle = this.#found.drawing;
      }
    } catch (error) {
      console.warn('Nothing that was kept can be read:', error);
    }
    this.studio.addEventListener(CHANGED, () => this.#soon());
    document.addEventListener('input', () => this.#soon());
    document.addEventListener('visibilitychange', () => this.#write());
    return this.#found;
  }

  get #key(): string {
    return `${KEY} ${this.#record}`;
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), PAUSE);
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer);
    const {chronicle, factors} = this.studio;
    const {name, file} = this.models;
    const work: Work = {
      drawing: chronicle,
      settings: readControls(),
      model: name ?? this.#found?.model,
      choice: name ? factors.choice : this.#found?.choice,
    };
    const entries: [string, unknown][] = [
      [this.#key, work],
      [NEWEST, this.#record],
    ];
    const own = file ?? this.#ownModel;
    if (own !== this.#ownModel) entries.push([OWN_MODEL, own]);
    try {
      await setMany(entries, this.#store); // all or nothing, if the page goes
      this.#ownModel = own;
    } catch (error) {
      console.warn('The work is not kept:', error);
    }
  }
}
