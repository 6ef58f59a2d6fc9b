// Every tab keeps a record of its own, so that none overwrites another's work.

const HELD = 'record'; // in the session: what this tab held before a reload
const PATIENCE = 500; // milliseconds, for the page before to let go of it
const MOST = 99; // tabs

/**
 * Takes the number of a record that no other tab has, until the tab is closed.
 *
 * It is the one that this tab had before a reload, else the newest one, else
 * the first that is free.
 *
 * @param scope tells the records of several studios apart.
 * @param newest the record that was written last, if there is any.
 */
export async function takeRecord(
  scope: string,
  newest: number | undefined,
): Promise<number> {
  if (!navigator.locks) return 0; // only on https and localhost
  const before = sessionStorage.getItem(`${HELD} ${scope}`);
  const take = (number: number, patience: number) =>
    hold(`${scope} ${number}`, patience);
  let number = Number(before);
  if (!before || !(await take(number, PATIENCE))) {
    number = newest ?? 0;
    for (let next = 0; next < MOST && !(await take(number, 0)); next++) {
      number = next;
    }
  }
  sessionStorage.setItem(`${HELD} ${scope}`, `${number}`);
  return number;
}

/** Whether the lock is held now; waits for it, if it must, for milliseconds. */
function hold(name: string, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const until = patience
      ? {signal: AbortSignal.timeout(patience)}
      : {ifAvailable: true};
    const forGood = (lock: Lock | null) => {
      resolve(lock !== null);
      return lock ? new Promise<never>(() => {}) : undefined;
    };
    navigator.locks.request(name, until, forGood).catch(() => resolve(false));
  });
}
