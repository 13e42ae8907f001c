import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/main.ts';
import { commandLine, shellQuote } from '../../src/system/command.ts';
import { makeSshd, sshdPath } from '../../test/hosts/sshd.ts';
import { endDemo, prepareEnd } from './end.ts';
import { EXAMPLE_NAME, writeExample } from './example.ts';
import { type Demo, makeDemoFolder } from './folder.ts';

/** Where the example lies in the host's home folder. */
const DIRECTORY = 'example';
const LOCAL_PORT = '9889';

/** A host on loopback, a server on it, brought here as `start` does. Lasts until a signal; then nothing is left. */
export async function runDemo(): Promise<number> {
  if (!sshdPath()) {
    console.error('The demo needs sshd, the server of OpenSSH; see above for the command that installs it.');
    return 1;
  }
  const ending = firstSignal();
  await prepareEnd();
  const demo = await makeDemoFolder(process.env);
  try {
    const sshConfig = await makeHost(demo);
    makeCommand(demo);
    process.env.XDG_STATE_HOME = demo.state;
    const words = ['start', 'loopback', '-F', sshConfig, '--name', 'demo', '--directory', DIRECTORY];
    // The host is this very machine, where Jupyter itself has the port that would be taken here.
    words.push('--local-port', LOCAL_PORT);
    console.error(`A throwaway sshd runs, all of it in ${demo.folder}. What the demo does now is:\n`);
    console.error(`  ${commandLine(['remote-notebook', ...words])}\n`);
    const status = await main(words);
    if (status !== 0) return status;
    console.error(whatToTry(demo));
    await ending;
    return 0;
  } finally {
    await endDemo(demo);
    console.error('The demo is over, and nothing of it is left.');
  }
}

/** From now on the signals that end a program end the demo, in order; a second one hurries nothing. */
function firstSignal(): Promise<void> {
  // A terminal that is gone takes no more words: they are no reason to leave a server behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

/** Answers with the ssh_config that names the host `loopback`. */
async function makeHost(demo: Demo): Promise<string> {
  writeExample(join(demo.home, DIRECTORY));
  // The host has another home folder; the Jupyter that is installed in the user's own is to be found all the same.
  const { PATH = '', PYTHONUSERBASE = join(homedir(), '.local') } = process.env;
  const environment = { HOME: demo.home, PATH, PYTHONUSERBASE };
  const { sshConfig } = await makeSshd({ within: demo.folder, ownSession: true, environment });
  return sshConfig;
}

/** Makes `remote-notebook` a command of this very folder's source, with the demo's state: what is said is to be run. */
function makeCommand({ bin, state }: Demo): void {
  const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const run = commandLine([source('node_modules/.bin/tsx'), source('src/cli.ts')]);
  const lines = ['#!/bin/sh', `export XDG_STATE_HOME=${shellQuote(state)}`, `exec ${run} "$@"`, ''];
  mkdirSync(bin);
  writeFileSync(join(bin, 'remote-notebook'), lines.join('\n'), { mode: 0o755 });
}

function whatToTry({ bin }: Demo): string {
  return `
Open ${EXAMPLE_NAME} there and run its cells: they draw a plot on the other side of the tunnel.

In a second terminal each command above works, and so do more:
  export PATH=${shellQuote(bin)}:"$PATH"
  remote-notebook status
  remote-notebook logs

Ctrl-C ends the demo, and so does: make demo-stop`;
}
