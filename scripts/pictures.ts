// `make pictures`: the pictures in docs/, all of them anew and from the real thing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withBrowser } from '../test/browser/chromium.ts';
import { freePort } from '../test/hosts/sshd.ts';
import { makeWorld, PROGRAM } from '../test/hosts/world.ts';
import { takeNotebook } from './pictures/notebook.ts';
import { drawTerminal, shownBy } from './pictures/terminal.ts';

const docs = join(fileURLToPath(new URL('..', import.meta.url)), 'docs');

/** What a terminal shows of a start and of a status, with the host by the name that it has in the README. */
async function terminals(): Promise<{ start: string; status: string }> {
  const world = await makeWorld();
  try {
    for (const directory of ['rne', 'thesis']) mkdirSync(join(world.home, directory));
    const sshConfig = join(world.home, 'ssh_config');
    writeFileSync(sshConfig, readFileSync(world.sshd.sshConfig, 'utf8').replace('Host loopback', 'Host gpu'));
    const bin = join(world.home, 'bin');
    mkdirSync(bin);
    // What a reader need not type: where the ssh_config is, that no browser is here, and a port for the host, which
    // is this machine as well.
    const own = PROGRAM.map((word) => `'${word}'`).join(' ');
    const more = `-F '${sshConfig}' --no-browser --port ${await freePort()}`;
    const shim = `#!/bin/sh\n[ "$1" != start ] || { shift; set -- start ${more} "$@"; }\nexec ${own} "$@"\n`;
    writeFileSync(join(bin, 'remote-notebook'), shim, { mode: 0o755 });
    const env = { ...world.laptop.env, PATH: [bin, world.laptop.env.PATH].join(delimiter) };
    const start = await shownBy(['remote-notebook start gpu -d rne --local-port 9889'], env);
    await shownBy(['remote-notebook start gpu -d thesis --name thesis --local-port 9000'], env);
    const status = await shownBy(['remote-notebook status', 'remote-notebook stop thesis'], env);
    await shownBy(['remote-notebook stop gpu'], env);
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
