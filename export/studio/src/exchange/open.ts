// Files come in: picked, dropped on the page, or pasted.

import type {Drawing} from '../files/drawing';
import {isModel, readDrawings} from '../files/reading';
import type {Models} from '../menus/models';
import type {Studio} from '../studio';
import {button, input} from '../ui/dom';
import {onDrop} from '../ui/drop';
import {closeNotice, notice} from '../ui/notice';
import {onShortcut} from '../ui/shortcut';
import {choose} from './choose';

export class Open {
  constructor(
    private readonly studio: Studio,
    private readonly models: Models,
  ) {
    const picker = input('file');
    button('open').onclick = () => picker.click();
    onShortcut('o', () => picker.click());
    picker.onchange = () => {
      void this.open([...picker.files!]);
      picker.value = ''; // the same file may be opened again
    };
    onDrop((files) => void this.open(files));
    document.addEventListener('paste', (event) => this.#paste(event));
  }

  /** Opens a model, or a drawing; of several, one is chosen. */
  async open(files: readonly File[]): Promise<void> {
    closeNotice();
    try {
      const drawings: Drawing[] = [];
      let bad = 0;
      for (const file of files) {
        if (await isModel(file)) return await this.models.open(file);
        const opened = await readDrawings(file);
        drawings.push(...opened.drawings);
        bad += opened.bad;
      }
      if (bad) notice(`Rows that are no drawings were left out: ${bad}.`);
      const drawing = drawings.length > 1 ? await choose(drawings) : drawings[0];
      if (drawing) this.#put(drawing);
    } catch (error) {
      notice((error as Error).message);
    }
  }

  #put({strokes, word, note}: Drawing): void {
    this.studio.factors.tryWord(word);
    this.studio.change(strokes, 'Opened. Undo brings back what was there.');
    if (note) notice(note);
  }

  /** Files, or the text of one. */
  #paste(event: ClipboardEvent): void {
    const data = event.clipboardData!;
    const text = data.getData('text/plain');
    const files = [...data.files];
    if (!files.length && /^\s*(<svg|<\?xml|\{)/.test(text)) {
      files.push(new File([text], 'What was pasted'));
    }
    if (!files.length) return;
    event.preventDefault();
    void this.open(files);
  }
}
