import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './accounts.ts';
import { CLEAN } from './clean.ts';
import { makeFolder, untilEnd, untilRemoved } from './standing.ts';

/** Machines in namespaces of this one, whose names and addresses are always the same: so there is one kind at a time. */

const ENTER = readFileSync(new URL('enter.sh', import.meta.url));

/**
 * Makes them, as soon as no other test has some.
 * @param lock a file that is locked while they exist
 * @param script makes them with the files in the folder, prints a line when they are up, and removes them when its input ends
 */
export async function makeMachines(
  lock: string,
  script: string,
  folder: string,
): Promise<{ remove(): Promise<void> }> {
  // A machine may not see the folder of this file.
  writeFileSync(join(folder, 'enter.sh'), ENTER);
  const words = ['--no-fork', lock, 'sh', script, folder];
  const child = spawn('flock', words, { stdio: ['pipe', 'pipe', 'pipe'], env: CLEAN });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let printed = '';
  child.stderr.on('data', (chunk) => {
    printed += chunk;
  });
  const machines = untilRemoved({
    remove: async () => {
      child.stdin.end();
      await ended;
    },
    // The script removes everything when its input ends, also when this process is killed.
    removeNow: () => child.stdin.destroy(),
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    void ended.then(() => reject(new Error(`${script} has made nothing: ${printed}`)));
  });
  return machines;
}

/** The words that enter the namespaces of a machine, before a command. @param pid a file with its first process */
export function entering(pid: string): string[] {
  return ['nsenter', '-t', readFileSync(pid, 'utf8').trim(), '-a'];
}

/** Runs a command on a machine as root, or as this account by a shell that knows its home folder, and returns what it prints. */
export function runInside(enter: readonly string[], command: string, as?: Account): string {
  const words = as ? ['su', '-s', '/bin/sh', as.name, '-c', `cd; ${command}`] : ['/bin/sh', '-c', command];
  const [program = '', ...args] = [...enter, ...words];
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: CLEAN });
}

/**
 * Runs a function that makes machines in a process of its own, until they are up.
 * @param made code of a module that ends with them in `made`
 * @returns that process, and the names of their accounts, which nobody removes if it is killed
 */
export async function makeInProcess(made: string) {
  const TMPDIR = makeFolder();
  chmodSync(TMPDIR, 0o755);
  const code = `${made}; console.log(made.user.name, made.stranger.name);`;
  const child = untilEnd(
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR },
    }),
  );
  const printed = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (chunk) => resolve(String(chunk))),
  );
  return { child, accounts: printed.trim().split(' ') };
}
