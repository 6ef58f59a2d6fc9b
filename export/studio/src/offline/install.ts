// Lets the page work offline, once it was loaded, and tells of new versions.

import {sleep} from '../ui/dom';
import {notice} from '../ui/notice';

const PATIENCE = 5000; // milliseconds

/** Waits until the service worker sees all that is loaded from now on. */
export async function installOffline(): Promise<void> {
  const workers = navigator.serviceWorker; // only on https and localhost
  if (!workers) return;
  try {
    const registration = await workers.register('./sw.js');
    watch(registration);
    if (registration.active) return;
    const controlled = new Promise((resolve) => {
      workers.addEventListener('controllerchange', resolve, {once: true});
    });
    await Promise.race([controlled, sleep(PATIENCE)]);
  } catch (error) {
    console.warn('This page will not work offline:', error);
  }
}

/** A new version waits until the user wants it. */
function watch(registration: ServiceWorkerRegistration): void {
  const tell = () => {
    const {active, waiting} = registration;
    if (active && waiting) offer(waiting);
  };
  tell();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', tell);
  });
}

function offer(waiting: ServiceWorker): void {
  notice('A new version of the studio is there. Your drawing stays.', {
    label: 'Use it',
    run() {
      const reload = () => location.reload();
      navigator.serviceWorker.addEventListener('controllerchange', reload);
      waiting.postMessage('take over');
    },
  });
}
