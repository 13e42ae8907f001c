import { removeStanding } from './standing.ts';

/** Whoever imports this leaves nothing behind when a signal ends it, or when the runner of the tests is killed. */

let interrupted = false;

/** Whether this process is about to end by a signal. */
export function isInterrupted(): boolean {
  return interrupted;
}

function end(status: number): void {
  // A runner that is interrupted, too, says so again.
  if (interrupted) return;
  interrupted = true;
  void removeStanding().finally(() => process.exit(status));
}
process.on('SIGINT', () => end(130));
process.on('SIGTERM', () => end(143));
process.on('SIGHUP', () => end(129));

// A runner that is killed sends none. Its tests are another process's children then, and nobody reads their output.
const runner = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === runner) return;
  clearInterval(watch);
  end(143);
}, 300);
watch.unref();
process.stdout.on('error', () => {});
