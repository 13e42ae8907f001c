import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes Jupyter's own configuration in a home folder, for each kind of server, whose class name replaces `c.App`.
 * Returns the folder.
 */
export function configureJupyter(home: string, ...lines: readonly string[]): string {
  const folder = join(home, '.jupyter');
  mkdirSync(folder, { recursive: true });
  for (const [kind, app] of [
    ['notebook', 'NotebookApp'],
    ['server', 'ServerApp'],
  ]) {
    const text = lines.map((line) => `${line.replaceAll('c.App.', `c.${app}.`)}\n`).join('');
    writeFileSync(join(folder, `jupyter_${kind}_config.py`), text);
  }
  return folder;
}

/** A configuration line that blocks a signal in Jupyter's own process, so that it never arrives. */
export const DEAF_TO_TERM = 'import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})';
