import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes Jupyter's own configuration in a home folder, for each kind of server; `c.App` stands for the name that the
 * kind has there. Answers with the folder.
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

/** A line of configuration. Jupyter reads it in its own process, and a signal that is blocked there never arrives. */
export const DEAF_TO_TERM = 'import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})';
