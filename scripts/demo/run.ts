import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/main.ts';
import { readRecords } from '../../src/state/records.ts';
import { isServerLocked } from '../../src/state/server-lock.ts';
import { commandLine, shellQuote } from '../../src/system/command.ts';
import { quietContext } from '../../src/system/context.ts';
import { isAlive } from '../../src/system/process.ts';
import { makeSshd, sshdPath } from '../../test/hosts/sshd.ts';
import { ENDED, endDemo } from './end.ts';
import { EXAMPLE_NAME, writeExample } from './example.ts';
import { type Demo, makeDemoFolder } from './folder.ts';

/** The example's folder in the host's home folder. */
const DIRECTORY = 'example';
const NAME = 'demo';
/** The pause between two looks at the server. */
const LOOK_MS = 500;

/** Starts a server on a host on loopback, and waits for a signal. Leaves nothing behind. */
export async function runDemo(): Promise<number> {
  if (!sshdPath()) {
    console.error('The demo needs sshd, the OpenSSH server; the command to install it is above.');
    return 1;
  }
  const end = firstSignal();
  const demo = await makeDemoFolder(process.env);
  try {
    const sshConfig = await makeHost(demo);
    const bin = makeCommand(demo);
    process.env.XDG_STATE_HOME = demo.state;
    const args = ['start', 'loopback', '-F', sshConfig, '--name', NAME, '--directory', DIRECTORY];
    // Host and client are the same machine, so the local port must differ from Jupyter's.
    args.push('--local-port', '9889');
    console.error(`A temporary sshd is running, all of it in ${demo.folder}. The demo now runs:\n`);
    console.error(`  ${commandLine(['remote-notebook', ...args])}\n`);
    const status = await main(args);
    if (status !== 0) return status;
    console.error(`
Open ${EXAMPLE_NAME} there and run its cells: they draw a plot at the other end of the tunnel.

In a second terminal you can run the commands above, and more:
  export PATH=${shellQuote(bin)}:"$PATH"
  remote-notebook status
  remote-notebook logs

Ctrl-C ends the demo, and so do: make demo-stop, and a stop of its server`);
    if ((await Promise.race([end, serverEnd()])) === 'stopped')
      console.error('The server was stopped, so the demo ends.');
    return 0;
  } finally {
    await endDemo(demo);
    console.error(ENDED);
  }
}

/** Resolves when the demo's server has ended, whatever stopped it; not while a command restarts it. */
async function serverEnd(): Promise<'stopped'> {
  const context = quietContext(process.env);
  for (;;) {
    await setTimeout(LOOK_MS);
    if (await isServerLocked(NAME, context)) continue;
    const identity = readRecords(context)[NAME]?.jupyter?.identity;
    if (identity?.kind !== 'process' || !(await isAlive(identity))) return 'stopped';
  }
}

/** Resolves at the first signal that would end the program. From now on such signals have no other effect. */
export function firstSignal(): Promise<void> {
  // Output to a closed terminal must not keep the demo from cleaning up.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

/** Starts the sshd. Returns an ssh_config with the host `loopback`. */
async function makeHost(demo: Demo): Promise<string> {
  writeExample(join(demo.home, DIRECTORY));
  // The host has another home folder, but uses the Jupyter in the user's own.
  const { PATH = '', PYTHONUSERBASE = join(homedir(), '.local') } = process.env;
  const environment = { HOME: demo.home, PATH, PYTHONUSERBASE };
  const { sshConfig } = await makeSshd({ within: demo.folder, ownSession: true, environment });
  return sshConfig;
}

/** Makes a command `remote-notebook` that runs this source with the demo's state. Returns its folder. */
export function makeCommand({ folder, state }: Pick<Demo, 'folder' | 'state'>): string {
  const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const run = commandLine([source('node_modules/.bin/tsx'), source('src/cli.ts')]);
  const lines = ['#!/bin/sh', `export XDG_STATE_HOME=${shellQuote(state)}`, `exec ${run} "$@"`, ''];
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'remote-notebook'), lines.join('\n'), { mode: 0o755 });
  return bin;
}
