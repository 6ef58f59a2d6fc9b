// A row of tabs, of which one is chosen: by a tap, or by arrow keys.

import {element} from './dom';

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowLeft: (at, count) => (at + count - 1) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

export class Tabs {
  #tabs: HTMLElement[];

  /**
   * @param list holds tabs that name their panels by `aria-controls`.
   * @param chosen hears the name of a tab, its `data-mode`.
   */
  constructor(
    list: HTMLElement,
    private readonly chosen: (name: string) => void,
  ) {
    this.#tabs = [...list.querySelectorAll<HTMLElement>('[role=tab]')];
    for (const tab of this.#tabs) tab.onclick = () => this.choose(tab);
    list.addEventListener('keydown', (event) => this.#key(event));
  }

  choose(chosen: HTMLElement): void {
    for (const tab of this.#tabs) {
      const is = tab === chosen;
      tab.setAttribute('aria-selected', `${is}`);
      tab.tabIndex = is ? 0 : -1;
      element(tab.getAttribute('aria-controls')!).hidden = !is;
    }
    this.chosen(chosen.dataset.mode!);
  }

  #key(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const at = this.#tabs.indexOf(event.target as HTMLElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const tab = this.#tabs[step(at, this.#tabs.length)];
    tab.focus();
    this.choose(tab);
  }
}
