import { dirname, join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { Keeper } from './keeper.ts';

/**
 * Runs a keeper until a command stops it.
 * @param args the folder of the connection, its destination, and the file for ssh's -F if it has one
 */
export async function keep([folder, destination, sshConfig]: readonly string[]): Promise<void> {
  if (folder === undefined || destination === undefined) return;
  process.umask(0o077);
  // Whatever happens to the folder from which it was started, or to the terminal.
  process.chdir(dirname(folder));
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => {});
  const connection: Connection = { destination, sshConfig, folder, controlPath: join(folder, 'control') };
  const keeper = new Keeper(connection, process.env);
  process.on('SIGTERM', () => void keeper.stop().finally(() => process.exit()));
  await keeper.start();
}
