// `make pictures`: takes all pictures in docs/ from real runs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext } from 'playwright-core';
import { withBrowser } from '../browser/chromium.ts';
import { done } from '../hosts/servers.ts';
import { optionsOfToday } from '../hosts/today.ts';
import { makeWorld, PROGRAM, type World } from '../hosts/world.ts';
import { makeProject, takeNotebook } from './notebook.ts';
import { drawTerminal, outputIn } from './terminal.ts';

const docs = join(fileURLToPath(new URL('../..', import.meta.url)), 'docs');

/** Takes all pictures of one world, with the host name of the README. */
async function takeAll(world: World, browser: BrowserContext): Promise<void> {
  makeProject(world, 'rne');
  mkdirSync(join(world.home, 'thesis'));
  const sshConfig = join(world.home, 'ssh_config');
  writeFileSync(sshConfig, readFileSync(world.sshd.sshConfig, 'utf8').replace('Host loopback', 'Host gpu'));
  const bin = join(world.home, 'bin');
  mkdirSync(bin);
  // The pictures do not show the options for this test world: ssh_config, and no browser.
  const program = PROGRAM.map((word) => `'${word}'`).join(' ');
  const options = `-F '${sshConfig}' --no-browser`;
  const shim = `#!/bin/sh\n[ "$1" != start ] || { shift; set -- start ${options} "$@"; }\nexec ${program} "$@"\n`;
  writeFileSync(join(bin, 'remote-notebook'), shim, { mode: 0o755 });
  const env = { ...world.laptop.env, PATH: [bin, world.laptop.env.PATH].join(delimiter) };
  const start = await outputIn(['remote-notebook start gpu -d rne --local-port 9889'], env);
  await drawTerminal(browser, start, join(docs, 'start.png'));
  const url = (await done(world.laptop, 'open', 'gpu', '--print')).trim();
  await takeNotebook(browser, url, join(docs, 'notebook.png'));
  await outputIn(['remote-notebook start gpu -d thesis --name thesis --local-port 9000'], env);
  const status = await outputIn(['remote-notebook status', 'remote-notebook stop thesis'], env);
  await drawTerminal(browser, status, join(docs, 'status.png'));
  await outputIn(['remote-notebook stop gpu --yes'], env);
}

const world = await makeWorld(optionsOfToday());
try {
  await withBrowser((browser) => takeAll(world, browser));
} finally {
  await world.remove();
}
