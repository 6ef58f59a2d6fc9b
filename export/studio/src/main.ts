// Puts the page together.

import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import {simplify} from './drawing/simplify';
import {toPng} from './files/png';
import {fileName, save} from './files/save';
import {toSvg} from './files/svg';
import {listModels} from './menus/models';
import {Continue} from './modes/continue';
import {installOffline} from './offline/install';
import type {Tool} from './paper/paper';
import {CHANGED, Studio} from './studio';
import {button, element, say} from './ui/dom';

const studio = new Studio();
const goOn = new Continue(studio);

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
  } else if (!onPaper) return;
  else if (key === 'enter') void goOn.go();
  else if (key === 'p') choose('pen');
  else if (key === 'e') choose('eraser');
  else return;
  event.preventDefault();
}

function enable(): void {
  const {strokes} = studio;
  button('undo').disabled = !studio.canUndo;
  button('redo').disabled = !studio.canRedo;
  for (const id of ['clear', 'svg', 'png']) {
    button(id).disabled = !strokes.length;
  }
}

async function start(): Promise<void> {
  button('tool-pen').onclick = () => choose('pen');
  button('tool-eraser').onclick = () => choose('eraser');
  button('undo').onclick = () => studio.undo();
  button('redo').onclick = () => studio.redo();
  button('clear').onclick = () => studio.change([], 'The paper is empty.');
  button('svg').onclick = () => {
    const {words} = studio.factors;
    const blob = new Blob([toSvg(studio.strokes, words)], {
      type: 'image/svg+xml',
    });
    save(blob, fileName(words, 'svg'));
  };
  button('png').onclick = async () =>
    save(await toPng(studio.strokes), fileName(studio.factors.words, 'png'));
  addEventListener('keydown', onKey);
  studio.addEventListener(CHANGED, enable);
  await installOffline();
  const [{file, bytes}] = await listModels();
  await studio.load({url: new URL(file, location.href).href, bytes});
  say('Draw a stroke, or press Continue.');
  document.documentElement.dataset.ready = '';
}

// To look at from the console, and in tests.
Object.assign(globalThis, {studio, simplify});

start().catch((error: Error) => say(`This does not work here: ${error.message}`));
