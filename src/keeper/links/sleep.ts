/** Interval at which a sleep of this machine is looked for, and how far the clocks may differ without one. */
const LOOK_MS = 1000;
const SLEPT_MS = 3000;

/** Calls `woke` each time after this machine, or this process, has slept. Returns what ends that. */
export function watchSleep(woke: () => void): () => void {
  let [wall, steady] = [Date.now(), performance.now()];
  const look = setInterval(() => {
    const [passed, steadily] = [Date.now() - wall, performance.now() - steady];
    [wall, steady] = [wall + passed, steady + steadily];
    // On some systems the steady clock stops while the machine sleeps.
    if (Math.abs(passed - steadily) > SLEPT_MS || steadily > LOOK_MS + SLEPT_MS) woke();
  }, LOOK_MS);
  return () => clearInterval(look);
}
