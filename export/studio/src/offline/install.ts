// Lets the page work offline, once it was loaded.

import {sleep} from '../ui/dom';

const PATIENCE = 5000; // milliseconds

/** Waits until the service worker sees all that is loaded from now on. */
export async function installOffline(): Promise<void> {
  const workers = navigator.serviceWorker; // only on https and localhost
  if (!workers) return;
  try {
    const {active} = await workers.register('./sw.js');
    if (active) return;
    const controlled = new Promise((resolve) => {
      workers.addEventListener('controllerchange', resolve, {once: true});
    });
    await Promise.race([controlled, sleep(PATIENCE)]);
  } catch (error) {
    console.warn('This page will not work offline:', error);
  }
}
