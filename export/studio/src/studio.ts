// What all modes share: the drawing, the model, the words, and whose turn it is.

import {type Chronicle, History} from './drawing/history';
import {distanceTo} from './drawing/simplify';
import {
  type Lines,
  type Place,
  type Stroke,
  countPoints,
} from './drawing/strokes';
import {Factors} from './menus/factors';
import {Pictures} from './menus/pictures';
import {Settings} from './menus/settings';
import {Model} from './model/client';
import type {Condition, How, Metadata, Source} from './model/protocol';
import {Paper} from './paper/paper';
import {say} from './ui/dom';

/** Fired when the drawing or the model has changed. */
export const CHANGED = 'changed';
/** Fired when the user has drawn a stroke. */
export const DRAWN = 'drawn';

export class Studio extends EventTarget {
  readonly model = new Model();
  readonly settings = new Settings();
  readonly factors = new Factors();
  readonly paper: Paper;
  metadata: Metadata | undefined; // of the model, once it is there
  encodes = false; // whether the model can
  recognizes = false;
  #history = new History();
  #turn = new AbortController(); // of what the model does now

  constructor() {
    super();
    this.paper = new Paper({
      begun: () => this.stop(),
      drawn: (points) => this.#drawn(points),
      erase: (at, reach) => this.#erase(at, reach),
    });
  }

  get strokes(): readonly Stroke[] {
    return this.#history.strokes;
  }

  get canUndo(): boolean {
    return this.#history.canUndo;
  }

  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  /** The drawing with all its steps. */
  get chronicle(): Chronicle {
    return this.#history.chronicle;
  }

  set chronicle(chronicle: Chronicle) {
    this.stop();
    this.#history.chronicle = chronicle;
    this.show();
  }

  get lines(): Lines {
    return this.strokes.map(({points}) => points);
  }

  /** Whether the model has room for another point. */
  get full(): boolean {
    return countPoints(this.strokes) >= this.metadata!.max_seq_len;
  }

  get how(): How & {condition: Condition} {
    const {temperature, seed} = this.settings;
    return {condition: this.factors.condition, temperature, seed};
  }

  async load(source: Source): Promise<void> {
    this.stop();
    const tell = (share: number) =>
      say(
        share < 1
          ? `Loading the model: ${Math.round(100 * share)} %`
          : 'Starting the model …',
      );
    const loaded = await this.model.call('load', source, tell);
    Object.assign(this, loaded);
    const {metadata, recognizes} = loaded;
    const pictures = new Pictures(this.model, metadata, recognizes);
    this.factors.offer(metadata.factors, pictures);
    this.show();
  }

  /** Ends what the model does, and begins a turn: its signal tells its end. */
  stop(): AbortSignal {
    this.#turn.abort();
    this.#turn = new AbortController();
    return this.#turn.signal;
  }

  /** Puts other strokes on the paper, as a step that can be undone. */
  change(strokes: readonly Stroke[], told: string): void {
    this.stop();
    this.#history.change(strokes);
    this.show();
    say(told);
  }

  /** Puts strokes on the paper; all of a turn are one step. */
  grow(strokes: readonly Stroke[], first: boolean): void {
    if (first) this.#history.change(strokes);
    else this.#history.amend(strokes);
    this.show();
  }

  undo(): void {
    if (!this.canUndo) return;
    this.stop();
    this.#history.undo();
    this.show();
    say('Undone.');
  }

  redo(): void {
    if (!this.canRedo) return;
    this.stop();
    this.#history.redo();
    this.show();
    say('Redone.');
  }

  show(): void {
    this.paper.show(this.strokes);
    this.dispatchEvent(new Event(CHANGED));
  }

  #drawn(points: readonly Place[]): void {
    this.change([...this.strokes, {by: 'you', points}], 'Your turn.');
    this.dispatchEvent(new Event(DRAWN));
  }

  #erase(at: Place, reach: number): void {
    const kept = this.strokes.filter(
      ({points}) => distanceTo(at, points) > reach,
    );
    const gone = this.strokes.length - kept.length;
    if (gone) this.change(kept, gone === 1 ? 'Stroke erased.' : 'Erased.');
  }
}
