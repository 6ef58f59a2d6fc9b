// What the user chooses: words and their blend, temperature, speed and so on.

const SPEEDS = [5, 10, 20, 40, 80, 160, 320, Infinity]; // points per second
const NONE = '';

const element = (id) => document.querySelector(`#${id}`);

export class Settings {
  #factors = [];

  constructor() {
    element('seed').value = crypto.getRandomValues(new Uint32Array(1))[0] % 1e4;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      element('speed').value = SPEEDS.length - 1;
    }
    document.addEventListener('input', () => this.#tell());
    element('settings').addEventListener('submit', (e) => e.preventDefault());
    this.#tell();
  }

  /** Makes the lists of words; `factors` are those of the metadata. */
  offer(factors) {
    this.#factors = factors.map(({name, values}) => ({
      values,
      first: list(capital(name), values),
      second: list('blended with', values, 'nothing'),
    }));
    element('factors').replaceChildren(
      ...this.#factors.map(({first, second}) => {
        const row = document.createElement('div');
        row.className = 'factor';
        row.append(first.parentElement, second.parentElement);
        return row;
      }),
    );
    this.#tell();
  }

  /** The weights of all values of all factors; they sum to 1 per factor. */
  get condition() {
    const share = Number(element('blend').value);
    return this.#factors.flatMap(({values, first, second}) => {
      const other = second.value === NONE ? 0 : share;
      return values.map(
        (word) =>
          (word === first.value ? 1 - other : 0) +
          (word === second.value ? other : 0),
      );
    });
  }

  /** What is drawn, for file names and the title of an SVG. */
  get words() {
    return this.#factors
      .flatMap(({first, second}) => [first.value, second.value])
      .filter(Boolean)
      .join(' ');
  }

  get temperature() {
    return Number(element('temperature').value);
  }

  /** Points per second. */
  get speed() {
    return SPEEDS[element('speed').value];
  }

  get oneStroke() {
    return document.querySelector('[name=length]:checked').value === 'stroke';
  }

  get live() {
    return element('live').checked;
  }

  get seed() {
    return Math.max(0, Math.trunc(Number(element('seed').value))) & 0x7fffffff;
  }

  set seed(number) {
    element('seed').value = number & 0x7fffffff;
  }

  /** Says beside each slider what it means. */
  #tell() {
    const tell = (id, text) => {
      element(id).setAttribute('aria-valuetext', text);
      element(`${id}-value`).textContent = text;
    };
    const blended = this.#factors.filter(({second}) => second.value !== NONE);
    element('blend-row').hidden = !blended.length;
    const share = Math.round(100 * element('blend').value);
    tell('blend', `${share} % ${blended.map((f) => f.second.value).join(', ')}`);
    const tau = this.temperature;
    const mood = tau < 0.2 ? 'careful' : tau < 0.6 ? 'lively' : 'wild';
    tell('temperature', `${tau} ${mood}`);
    tell('speed', this.speed === Infinity ? 'at once' : `${this.speed} points/s`);
  }
}

function list(name, words, none) {
  const label = document.createElement('label');
  const select = document.createElement('select');
  if (none) select.append(new Option(none, NONE));
  select.append(...words.map((word) => new Option(word, word)));
  label.append(name, select);
  return select;
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
