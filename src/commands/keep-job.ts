import type { KeepJob } from '../lifecycle/starting/job.ts';
import type { Terminal } from '../screen/terminal.ts';

/**
 * Asks, after a Ctrl-C on a terminal, whether a job that has not started stays in the queue. It stays where nobody can be
 * asked, and if the answer is another Ctrl-C.
 */
export function keepJob(terminal: Terminal): KeepJob {
  let wasPressed = false;
  process.once('SIGINT', () => {
    wasPressed = true;
  });
  return async ({ id }) => {
    if (!wasPressed || !terminal.canAsk) return true;
    return terminal.confirmInterrupted(`Keep the job ${id} in the queue?`).catch(() => true);
  };
}
