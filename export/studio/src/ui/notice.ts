// What the user must not miss: an error, or something to decide.

import {element, make} from './dom';

export interface Action {
  readonly label: string;
  run(): void;
}

/** Shows a text until it is closed, or the next one comes. */
export function notice(text: string, action?: Action): void {
  const bar = element('notice');
  const close = make('button', {type: 'button', onclick: closeNotice}, 'Close');
  bar.replaceChildren(make('p', {}, text));
  if (action) {
    const onclick = () => (closeNotice(), action.run());
    bar.append(
      make('button', {type: 'button', className: 'main', onclick}, action.label),
    );
  }
  bar.append(close);
}

export function closeNotice(): void {
  element('notice').replaceChildren();
}
