import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { missing } from '../hosts/needs.ts';
import { ALIAS_SHELLS, AWKWARD_FOLDERS, runAliases } from '../hosts/shells.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { freePort } from '../hosts/sshd.ts';
import { noProcessIsLeft } from '../hosts/traces.ts';
import { eventually, type Laptop, makeWorld, type World } from '../hosts/world.ts';

let world: World;
before(async () => {
  // sshd uses the account's home folder, which is not the home folder of this test host.
  const command = 'ForceCommand cd "$HOME" && exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"';
  world = await makeWorld({ sshdConfig: [command] });
});
after(() => world.remove());

function configure(laptop: Laptop, servers: Readonly<Record<string, object>>): void {
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, stringify({ servers }));
}

async function aliasesOf(laptop: Laptop, ...options: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await laptop.run('aliases', '{F}', ...options);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split('\n');
}

/** Replaces Jupyter, which is slow to start: it records its directory. */
function writeWitness(): { command: string; seen: () => string[] } {
  const notes = join(world.home, 'notes');
  const witness = join(world.home, 'witness');
  rmSync(notes, { force: true });
  writeFileSync(witness, `{ pwd -P; echo "$ENTERED $*"; } | paste -s -d '\\t' - >>${notes}\n`);
  const seen = () => {
    try {
      return readFileSync(notes, 'utf8').trimEnd().split('\n').sort();
    } catch {
      return [];
    }
  };
  return { command: `sh ${witness}`, seen };
}

async function answering(text: string): Promise<Server> {
  const server = createServer((_, response) => response.end(text)).listen(0, 'localhost');
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

/** A venv with a difficult directory and name. */
function makeFolders(home: string): void {
  for (const folder of AWKWARD_FOLDERS) {
    const bin = join(home, folder, `-env ${folder}`, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'activate'), 'ENTERED=yes; export ENTERED\n');
  }
}

for (const shell of ALIAS_SHELLS) {
  test(`the article's aliases in ${shell} start in every directory, and forward its port`, {
    skip: missing(shell),
  }, async () => {
    const laptop = world.anotherLaptop();
    makeFolders(world.home);
    const { command, seen } = writeWitness();
    const server = await answering('the port of the host');
    const { port } = server.address() as AddressInfo;
    const servers = await Promise.all(
      AWKWARD_FOLDERS.map(async (folder, index) => ({
        destination: 'loopback',
        directory: index % 3 === 1 ? `~/${folder}` : folder,
        environment: `-env ${folder}`,
        command,
        port,
        'local-port': await freePort(),
      })),
    );
    configure(laptop, Object.fromEntries(servers.map((spec, index) => [`n${index}`, spec])));
    try {
      const lines = await aliasesOf(laptop, '--plain', '--shell', shell);
      const calls = servers.map((_, index) => `remote_notebook_start_n${index}`);
      await runAliases(shell, [...lines, ...calls], laptop.env);
      await eventually('each start was noted', () => seen().length === servers.length);
      const home = realpathSync(world.home);
      assert.deepEqual(
        seen(),
        AWKWARD_FOLDERS.map((folder) => `${join(home, folder)}\tyes --no-browser --port=${port}`).sort(),
      );
      for (const spec of servers) {
        const answer = await fetch(`http://localhost:${spec['local-port']}/`);
        assert.equal(await answer.text(), 'the port of the host');
      }
    } finally {
      await endAll();
      server.closeAllConnections();
      server.close();
    }
  });
}

/** The aliases leave only their tunnels. */
async function endAll(): Promise<void> {
  for (const pid of world.processes()) signalQuietly(pid, 'SIGTERM');
  await eventually('the tunnels are gone', () => world.processes().length === 0);
}

/** One of each kind is enough, because a real Jupyter starts in each. */
const FOLDERS = { all: AWKWARD_FOLDERS.at(-1) ?? '', 'größe.2-b': "~/it's below home", tilde: '~root' };

for (const shell of ALIAS_SHELLS) {
  test(`our own aliases in ${shell} start a server in every directory, and stop only that one`, {
    skip: missing(shell),
  }, async () => {
    const laptop = world.anotherLaptop();
    const home = realpathSync(world.home);
    const places = Object.entries(FOLDERS).map(([name, directory]) => ({
      name,
      directory,
      path: join(home, directory.replace('~/', '')),
    }));
    for (const { path } of places) mkdirSync(path, { recursive: true });
    const settings = places.map(({ name, directory }) => [name, { destination: 'loopback', directory }]);
    configure(laptop, Object.fromEntries(settings));
    const lines = await aliasesOf(laptop, '--shell', shell);
    const running = async () => {
      const { stdout } = await laptop.run('status', '--json');
      const { servers } = JSON.parse(stdout) as {
        servers: { name: string; jupyter: { state: string }; directory: string }[];
      };
      return servers
        .filter(({ jupyter: server }) => server.state === 'running')
        .map(({ name, directory }) => [name, directory]);
    };
    const call = (verb: string, options = '') => places.map(({ name }) => `${verb}_${name}${options}`);
    await runAliases(shell, [...lines, ...call('remote_notebook_start', ' --no-browser')], laptop.env);
    assert.deepEqual((await running()).sort(), places.map(({ name, path }) => [name, path]).sort());
    await runAliases(shell, [...lines, 'port_forward_all', 'remote_notebook_stop_all'], laptop.env);
    assert.deepEqual((await running()).map(([name]) => name).sort(), ['größe.2-b', 'tilde']);
    await runAliases(shell, [...lines, ...call('remote_notebook_stop').slice(1)], laptop.env);
    await noProcessIsLeft(world);
  });
}
