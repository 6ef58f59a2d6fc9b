// What the user chooses besides the words: temperature, speed, seed.

import {element, input} from '../ui/dom';

const SPEEDS = [5, 10, 20, 40, 80, 160, 320, Infinity]; // points per second
const LARGEST_SEED = 0x7fffffff;

export class Settings {
  constructor() {
    input('seed').value = `${crypto.getRandomValues(new Uint32Array(1))[0] % 1e4}`;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      input('speed').value = `${SPEEDS.length - 1}`;
    }
    element('settings').addEventListener('input', () => this.#tell());
    element('settings').addEventListener('submit', (e) => e.preventDefault());
    this.#tell();
  }

  get temperature(): number {
    return Number(input('temperature').value);
  }

  set temperature(tau: number) {
    input('temperature').value = `${tau}`;
    this.#tell();
  }

  /** Points per second. */
  get speed(): number {
    return SPEEDS[Number(input('speed').value)];
  }

  get seed(): number {
    const number = Math.trunc(Number(input('seed').value));
    return Math.max(0, number) & LARGEST_SEED;
  }

  set seed(number: number) {
    input('seed').value = `${number & LARGEST_SEED}`;
  }

  /** Says beside each slider what it means. */
  #tell(): void {
    const tau = this.temperature;
    const mood = tau < 0.2 ? 'careful' : tau < 0.6 ? 'lively' : 'wild';
    tell('temperature', `${tau} ${mood}`);
    tell('speed', this.speed === Infinity ? 'at once' : `${this.speed} points/s`);
  }
}

function tell(id: string, text: string): void {
  input(id).setAttribute('aria-valuetext', text);
  element(`${id}-value`).textContent = text;
}
