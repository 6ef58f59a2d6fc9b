// Puts the page together.

import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/combobox.css';
import './styles/dialogs.css';
import './styles/thumbnails.css';
import {simplify} from './drawing/simplify';
import {Link} from './exchange/link';
import {Open} from './exchange/open';
import {Save} from './exchange/save';
import {KeptWork} from './kept/work';
import {Models} from './menus/models';
import {Blend} from './modes/blend';
import {Continue} from './modes/continue';
import type {Mode} from './modes/mode';
import {Optimize} from './modes/optimize';
import {Suggest} from './modes/suggest';
import {installOffline} from './offline/install';
import type {Tool} from './paper/paper';
import {CHANGED, Studio} from './studio';
import {button, element, say} from './ui/dom';
import {Tabs} from './ui/tabs';

const studio = new Studio();
const modes: Record<string, Mode> = {
  continue: new Continue(studio),
  suggest: new Suggest(studio),
  optimize: new Optimize(studio),
  blend: new Blend(studio),
};
let mode = modes.continue;
const models = new Models(async (source) => {
  await studio.load(source);
  say('Draw a stroke, or press Continue.');
  mode.leave?.(); // and begins anew with other words
  mode.enter?.();
});
new Tabs(element('modes'), (name) => {
  studio.stop();
  mode.leave?.();
  mode = modes[name];
  mode.enter?.();
  document.body.dataset.mode = name;
});
const kept = new KeptWork(studio, models);
const link = new Link(studio, models);
new Open(studio, models);
new Save(studio);

function choose(tool: Tool): void {
  studio.paper.tool = tool;
  for (const name of ['pen', 'eraser']) {
    button(`tool-${name}`).setAttribute('aria-pressed', `${name === tool}`);
  }
}

function onKey(event: KeyboardEvent): void {
  const key = event.key.toLowerCase();
  const onPaper = event.target === element('paper');
  if (event.ctrlKey || event.metaKey) {
    if (key === 'y' || (key === 'z' && event.shiftKey)) studio.redo();
    else if (key === 'z') studio.undo();
    else return;
  } else if (key === 'b' && mode.compare && !isText(event.target)) mode.compare();
  else if (!onPaper) return;
  else if (key === 'enter') void mode.go();
  else if (key >= '1' && key <= '9') mode.take?.(Number(key) - 1);
  else if (key === 'p') choose('pen');
  else if (key === 'e') choose('eraser');
  else return;
  event.preventDefault();
}

/** Whether letters are for what has the focus. */
function isText(target: EventTarget | null): boolean {
  const fields = 'select, [type=number], [role=combobox]';
  return target instanceof Element && target.matches(fields);
}

function enable(): void {
  const {strokes} = studio;
  button('undo').disabled = !studio.canUndo;
  button('redo').disabled = !studio.canRedo;
  button('clear').disabled = !strokes.length;
}

async function start(): Promise<void> {
  button('tool-pen').onclick = () => choose('pen');
  button('tool-eraser').onclick = () => choose('eraser');
  button('undo').onclick = () => studio.undo();
  button('redo').onclick = () => studio.redo();
  button('clear').onclick = () => studio.change([], 'The paper is empty.');
  addEventListener('keydown', onKey);
  studio.addEventListener(CHANGED, enable);
  const found = await kept.begin();
  await installOffline();
  await models.begin(link.model ?? found?.model, kept.ownModel);
  if (found?.choice) studio.factors.choice = found.choice;
  await link.follow();
  document.documentElement.dataset.ready = '';
}

// To look at from the console, and in tests.
Object.assign(globalThis, {studio, simplify});

start().catch((error: Error) => say(`This does not work here: ${error.message}`));
