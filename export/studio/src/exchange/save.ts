// The drawing goes out: as a file of the kind that is wanted, or copied.

import type {Stroke} from '../drawing/strokes';
import {toGif} from '../files/gif';
import {toNdjson} from '../files/ndjson';
import {toPng} from '../files/png';
import {fileName, save} from '../files/save';
import {toAnimatedSvg, toSvg} from '../files/svg/writing';
import {CHANGED, type Studio} from '../studio';
import {button, element, say} from '../ui/dom';
import {notice} from '../ui/notice';
import {onShortcut} from '../ui/shortcut';

type Encode = (strokes: readonly Stroke[], words: string) => Blob | Promise<Blob>;

const SVG = 'image/svg+xml';

// Ending -> how a file is made.
const ENCODERS: Record<string, Encode> = {
  svg: (...drawing) => new Blob([toSvg(...drawing)], {type: SVG}),
  'animated.svg': (...drawing) =>
    new Blob([toAnimatedSvg(...drawing)], {type: SVG}),
  png: toPng,
  gif: toGif,
  ndjson: (...drawing) =>
    new Blob([toNdjson(...drawing)], {type: 'application/x-ndjson'}),
};

export class Save {
  #dialog = element<HTMLDialogElement>('save-dialog');

  constructor(private readonly studio: Studio) {
    button('save').onclick = () => this.#dialog.showModal();
    onShortcut('s', () => button('save').click());
    button('copy').onclick = () => this.#copy();
    for (const one of this.#dialog.querySelectorAll<HTMLButtonElement>(
      '[data-ending]',
    )) {
      one.onclick = () => this.#save(one.dataset.ending!);
    }
    studio.addEventListener(CHANGED, () => {
      button('save').disabled = !studio.strokes.length;
    });
  }

  async #save(ending: string): Promise<void> {
    this.#dialog.close();
    const {strokes, factors} = this.studio;
    say(`Making the ${ending.toUpperCase()} …`);
    try {
      const blob = await ENCODERS[ending](strokes, factors.words);
      const name = fileName(factors.words, ending);
      save(blob, name);
      say(`Saved ${name}.`);
    } catch (error) {
      notice(`The file could not be made: ${(error as Error).message}`);
    }
  }

  /** As text, which programs that draw take for a drawing, too. */
  async #copy(): Promise<void> {
    this.#dialog.close();
    const {strokes, factors} = this.studio;
    const text = toSvg(strokes, factors.words);
    const types = ['text/plain', SVG].filter((type) =>
      ClipboardItem.supports(type),
    );
    const item = Object.fromEntries(
      types.map((type) => [type, new Blob([text], {type})]),
    );
    try {
      await navigator.clipboard.write([new ClipboardItem(item)]);
      say('Copied as SVG.');
    } catch (error) {
      notice(`The clipboard cannot be written: ${(error as Error).message}`);
    }
  }
}
