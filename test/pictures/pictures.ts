// `make pictures`: takes all pictures in docs/ from real runs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withBrowser } from '../browser/chromium.ts';
import { freePort } from '../hosts/sshd.ts';
import { makeWorld, PROGRAM } from '../hosts/world.ts';
import { takeNotebook } from './notebook.ts';
import { drawTerminal, outputIn } from './terminal.ts';

const docs = join(fileURLToPath(new URL('../..', import.meta.url)), 'docs');

/** The terminal output of `start` and of `status`, with the host name of the README. */
async function terminals(): Promise<{ start: string; status: string }> {
  const world = await makeWorld();
  try {
    for (const directory of ['rne', 'thesis']) mkdirSync(join(world.home, directory));
    const sshConfig = join(world.home, 'ssh_config');
    writeFileSync(sshConfig, readFileSync(world.sshd.sshConfig, 'utf8').replace('Host loopback', 'Host gpu'));
    const bin = join(world.home, 'bin');
    mkdirSync(bin);
    // The picture does not show the options for this test world: ssh_config, no browser, a port that is free.
    const program = PROGRAM.map((word) => `'${word}'`).join(' ');
    const options = `-F '${sshConfig}' --no-browser --port ${await freePort()}`;
    const shim = `#!/bin/sh\n[ "$1" != start ] || { shift; set -- start ${options} "$@"; }\nexec ${program} "$@"\n`;
    writeFileSync(join(bin, 'remote-notebook'), shim, { mode: 0o755 });
    const env = { ...world.laptop.env, PATH: [bin, world.laptop.env.PATH].join(delimiter) };
    const start = await outputIn(['remote-notebook start gpu -d rne --local-port 9889'], env);
    await outputIn(['remote-notebook start gpu -d thesis --name thesis --local-port 9000'], env);
    const status = await outputIn(['remote-notebook status', 'remote-notebook stop thesis'], env);
    await outputIn(['remote-notebook stop gpu'], env);
    return { start, status };
  } finally {
    await world.remove();
  }
}

const { start, status } = await terminals();
await withBrowser(async (browser) => {
  await drawTerminal(browser, start, join(docs, 'start.png'));
  await drawTerminal(browser, status, join(docs, 'status.png'));
});
await takeNotebook(join(docs, 'notebook.png'));
