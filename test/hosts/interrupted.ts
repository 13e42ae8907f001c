import { commandLineOf } from './proc.ts';
import { removeStanding } from './standing.ts';

/** A process that imports this leaves nothing behind when a signal ends it or when the test runner is killed. */

let interrupted = false;

/** Whether this process is about to end by a signal. */
export function isInterrupted(): boolean {
  return interrupted;
}

function end(status: number): void {
  // A test runner that is interrupted at the same time repeats the signal.
  if (interrupted) return;
  interrupted = true;
  void removeStanding().finally(() => process.exit(status));
}
process.on('SIGINT', () => end(130));
process.on('SIGTERM', () => end(143));
process.on('SIGHUP', () => end(129));

// A test runner that is killed sends no signal. Its tests then have another parent, and nobody reads their output.
const runner = process.ppid;
/** The runner may have been killed before this was loaded. In a container, the runner may be the first process. */
const isLate = runner === 1 && !commandLineOf(1).includes('node');
const watch = setInterval(() => {
  if (process.ppid === runner && !isLate) return;
  clearInterval(watch);
  end(143);
}, 300);
watch.unref();
if (process.env.NODE_TEST_CONTEXT === undefined) clearInterval(watch);
process.stdout.on('error', () => {});
