import { commandLineOf } from './proc.ts';
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
/** The runner may have been killed before this was read; the first process of a container may be a runner. */
const isLate = runner === 1 && !commandLineOf(1).includes('node');
const watch = setInterval(() => {
  if (process.ppid === runner && !isLate) return;
  clearInterval(watch);
  end(143);
}, 300);
watch.unref();
if (process.env.NODE_TEST_CONTEXT === undefined) clearInterval(watch);
process.stdout.on('error', () => {});
