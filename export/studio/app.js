// You draw a stroke, the model goes on, and again and again.

import {Model} from './model.js';
import {Paper} from './paper.js';
import {save, toPng, toSvg} from './save.js';
import {Settings} from './settings.js';
import {lastPlace, toPoints} from './strokes.js';

const MODEL = './sketcher.tflite';
const PAUSE = 500; // milliseconds after a stroke in which another may begin

const element = (id) => document.querySelector(`#${id}`);
const say = (text) => (element('status').textContent = text);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class App {
  strokes = []; // what is on the paper; never changed, but replaced
  #past = []; // the strokes before each step that can be undone
  #turn = 0; // grows whenever the model has to stop
  #timer; // until the model goes on by itself
  #metadata; // of the model, once it is there
  #settings = new Settings();
  #model = new Model((share) =>
    say(`Loading the model: ${Math.round(100 * share)} %`),
  );
  #paper = new Paper({
    begun: () => this.#stop(),
    drawn: (points) => this.#drawn(points),
  });

  async start() {
    const act = (id, action) => element(id).addEventListener('click', action);
    act('continue', () => this.#go());
    act('again', () => this.#goAgain());
    act('undo', () => this.#undo());
    act('clear', () => this.#change([], 'The paper is empty.'));
    act('svg', () => this.#saveSvg());
    act('png', () => this.#savePng());
    addEventListener('keydown', (event) => this.#key(event));
    await installOffline();
    const metadata = await this.#model.load(new URL(MODEL, location).href);
    this.#settings.offer(metadata.factors);
    this.#metadata = metadata;
    this.#show();
    say('Draw a stroke, or press Continue.');
    document.documentElement.dataset.ready = '';
  }

  #key(event) {
    const undo = event.key === 'z' && (event.ctrlKey || event.metaKey);
    if (undo) this.#undo();
    else if (event.key === 'Enter' && event.target === element('paper')) {
      this.#go();
    } else return;
    event.preventDefault();
  }

  #drawn(points) {
    this.#change([...this.strokes, {by: 'you', points}], 'Your turn.');
    if (this.#settings.live) {
      this.#timer = setTimeout(() => this.#go(), PAUSE);
    }
  }

  /** Puts other strokes on the paper, as a step that can be undone. */
  #change(strokes, told) {
    this.#stop();
    this.#past.push(this.strokes);
    this.strokes = strokes;
    this.#show();
    say(told);
  }

  #undo() {
    if (!this.#past.length) return;
    this.#stop();
    this.strokes = this.#past.pop();
    this.#show();
    say('Undone.');
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#turn++;
  }

  /** Takes back what the model drew last, and lets it draw something else. */
  async #goAgain() {
    this.#stop();
    if (this.strokes.at(-1)?.by === 'model') this.strokes = this.#past.pop();
    this.#settings.seed++;
    this.#show();
    await this.#go();
  }

  /** The model's turn; it ends when another one begins. */
  async #go() {
    if (!this.#metadata) return;
    this.#stop();
    const turn = this.#turn;
    try {
      if (await this.#begin(turn)) await this.#draw(turn);
    } catch (error) {
      say(error.message);
    }
  }

  /** Shows the model the drawing; whether it may go on. */
  async #begin(turn) {
    const {max_seq_len: limit, scale_factor: scale} = this.#metadata;
    const points = toPoints(this.strokes, scale);
    if (points.length >= limit) {
      say('The paper is full: undo something, or clear it.');
      return false;
    }
    say('The model is looking …');
    const {condition, seed, temperature} = this.#settings;
    await this.#model.begin({points, condition, seed, temperature});
    return turn === this.#turn;
  }

  /** Draws point by point, as fast as is wished. */
  async #draw(turn) {
    say('The model draws …');
    let due = performance.now();
    // Asking for a point that is not wanted any more would take it from the
    // next turn.
    for (let first = true; turn === this.#turn; first = false) {
      const point = await this.#model.next();
      if (turn !== this.#turn) return;
      if (!point) return say('The paper is full.');
      const [, , , up, end] = point;
      if (end) return say(first ? 'The model finds it done.' : 'Done.');
      if (first) this.#past.push(this.strokes);
      this.#add(point, first);
      if (up && this.#settings.oneStroke) return say('Your turn.');
      due = Math.max(due + 1000 / this.#settings.speed, performance.now());
      await sleep(due - performance.now());
    }
  }

  /** Adds a point of the model, to its stroke or, if `first`, as a new one. */
  #add([dx, dy, , up], first) {
    const {scale_factor: scale} = this.#metadata;
    const [x, y] = lastPlace(this.strokes);
    const place = [x + dx * scale, y + dy * scale];
    const last = this.strokes.at(-1);
    const open = !first && !last.done;
    const stroke = {
      by: 'model',
      points: open ? [...last.points, place] : [place],
      done: Boolean(up),
    };
    // A new list each time: the old ones are what can be undone to.
    this.strokes = [...this.strokes.slice(0, open ? -1 : undefined), stroke];
    this.#show();
  }

  #show() {
    this.#paper.show(this.strokes);
    const enable = (condition, ...ids) => {
      for (const id of ids) element(id).disabled = !condition;
    };
    enable(this.#metadata, 'continue', 'again');
    enable(this.#past.length, 'undo');
    enable(this.strokes.length, 'clear', 'svg', 'png');
  }

  #saveSvg() {
    const {words} = this.#settings;
    const type = 'image/svg+xml';
    save(new Blob([toSvg(this.strokes, words)], {type}), fileName(words, 'svg'));
  }

  async #savePng() {
    save(await toPng(this.strokes), fileName(this.#settings.words, 'png'));
  }
}

function fileName(words, ending) {
  return `${words.replace(/\W+/g, '-') || 'sketch'}.${ending}`;
}

/** Waits until the service worker sees all that is loaded from now on. */
async function installOffline() {
  const workers = navigator.serviceWorker; // only on https and localhost
  if (!workers) return;
  try {
    const {active} = await workers.register('./sw.js');
    if (!active) {
      await Promise.race([
        new Promise((resolve) => (workers.oncontrollerchange = resolve)),
        sleep(5000),
      ]);
    }
  } catch (error) {
    console.warn('This page will not work offline:', error);
  }
}

const app = new App();
globalThis.sketchApp = app; // to look at it from the console, and in tests
app.start().catch((error) => say(`This does not work here: ${error.message}`));
