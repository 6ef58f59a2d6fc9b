// One of several drawings, by their pictures.

import type {Drawing} from '../files/drawing';
import {button, element, make} from '../ui/dom';
import {draws} from '../ui/thumbnails';

const PAGE = 60; // pictures at once

/** The one that is tapped; none if the dialog is closed. */
export function choose(
  drawings: readonly Drawing[],
): Promise<Drawing | undefined> {
  const dialog = element<HTMLDialogElement>('choose');
  const list = element('choices');
  const more = button('more-choices');
  element('choose-title').textContent = `Which of ${drawings.length} drawings?`;
  return new Promise((resolve) => {
    const pick = (drawing: Drawing) => (resolve(drawing), dialog.close());
    const show = () => {
      const from = list.childElementCount;
      const next = drawings.slice(from, from + PAGE);
      list.append(...next.map((drawing, i) => entry(drawing, from + i, pick)));
      more.hidden = list.childElementCount >= drawings.length;
    };
    list.replaceChildren();
    show();
    more.onclick = show;
    dialog.onclose = () => resolve(undefined); // unless one was picked before
    dialog.showModal();
  });
}

function entry(
  drawing: Drawing,
  index: number,
  pick: (drawing: Drawing) => void,
): HTMLLIElement {
  const {strokes, word} = drawing;
  const name = make('span', {}, word || `Drawing ${index + 1}`);
  const one = make(
    'button',
    {type: 'button', className: 'picture'},
    draws(strokes),
    name,
  );
  one.onclick = () => pick(drawing);
  return make('li', {}, one);
}
