import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { type Account, makeAccount } from '../hosts/accounts.ts';
import { missing, NO_ACCOUNTS } from '../hosts/needs.ts';
import { commandLineOf, factOf } from '../hosts/proc.ts';
import { statusOf, stderrOf } from '../hosts/servers.ts';
import { ALIAS_SHELLS, runAliases, whereIs } from '../hosts/shells.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually, type Laptop, makeWorld, type World } from '../hosts/world.ts';

// The article's stop ends every Jupyter of a user, so these tests need users of their own.
const skip = NO_ACCOUNTS || missing('pkill');
let account: Account;
let world: World;
before(async () => {
  if (skip) return;
  account = makeAccount(whereIs('zsh') ? 'zsh' : 'bash');
  writeFileSync(join(account.home, '.zshenv'), "printf 'noise without an end'\n");
  mkdirSync(join(account.home, 'my servers'));
  world = await makeWorld({ account });
});
after(async () => {
  await world?.remove();
  await account?.remove();
});

/** Removes what a failed test has left behind. */
afterEach(async () => {
  if (skip) return;
  await account.end();
  for (const pid of tunnels()) signalQuietly(pid, 'SIGKILL');
  await eventually('no ssh of a laptop runs', () => tunnels().length === 0);
});

const jupyters = () => account.processes().filter((pid) => factOf(pid, 'comm').startsWith('jupyter'));

/** The command lines of the ssh processes of the laptops in this world. */
const tunnels = () => world.processes().filter((pid) => commandLineOf(pid).startsWith('ssh '));

function ageS(pid: number | undefined): number {
  return Number(execFileSync('ps', ['-o', 'etimes=', '-p', String(pid)], { encoding: 'utf8' }));
}

async function startWords(): Promise<string[]> {
  const ports = ['--port', String(await freePort()), '--local-port', String(await freePort())];
  return ['start', 'loopback', '{F}', '--plain', '--directory', 'my servers', ...ports];
}

async function nothingIsLeft(laptop: Laptop): Promise<void> {
  await eventually('no process of the account runs', () => account.processes().length === 0);
  await eventually('no ssh of the laptop runs', () => tunnels().length === 0);
  const { stdout } = await laptop.run('status', '--json');
  assert.deepEqual(JSON.parse(stdout), { servers: [], runs: [] });
  const files = existsSync(laptop.stateFolder) ? readdirSync(laptop.stateFolder) : [];
  assert.deepEqual(
    files.filter((name) => name.startsWith('plain-')),
    [],
  );
}

test('start --plain runs the commands of the article unchanged and remembers the tunnel; stop --plain asks first', {
  skip,
}, async () => {
  const laptop = world.anotherLaptop();
  const words = await startWords();
  const [port, localPort] = [words[7], words[9]];
  const ssh = `ssh -S none -F ${world.sshd.sshConfig}`;
  const commands = [
    `nohup ${ssh} -f loopback 'cd '\\''my servers'\\''; jupyter notebook --no-browser --port=${port}'`,
    `nohup ${ssh} -N -f -L localhost:${localPort}:localhost:${port} loopback`,
  ];
  const dry = await laptop.run(...words, '--dry-run');
  assert.equal(dry.stdout, `${commands.join('\n')}\n`);
  assert.deepEqual(jupyters(), []);

  const started = await laptop.run(...words, '--verbose');
  assert.equal(started.code, 0, started.stderr);
  const ran = started.stderr.split('\n').filter((line) => line.startsWith('$ '));
  assert.deepEqual(
    ran,
    commands.map((command) => `$ ${command}`),
  );
  const page = new URL(started.stdout.trim());
  assert.equal(page.port, localPort);
  const api = await fetch(new URL(`/api/status${page.search}`, page));
  assert.equal(api.status, 200);

  const { servers, article } = JSON.parse(readFileSync(join(laptop.stateFolder, 'state.json'), 'utf8'));
  assert.deepEqual(servers, {});
  const { pid, startTime } = article.loopback.tunnel;
  assert.equal(`nohup ${commandLineOf(pid)}`, commands[1]);
  assert.equal(await startTimeOf(pid), startTime);
  const status = await statusOf(laptop);
  assert.deepEqual(
    [status.tunnel.state, status.tunnel.pid, status.jupyter.port],
    ['connected', pid, Number(port)],
  );

  const restarted = await stderrOf(2, laptop, 'restart');
  assert.match(restarted, /"loopback" was started with --plain\n/);

  const [jupyter] = jupyters();
  const cancelled = await stderrOf(2, laptop, 'forward', 'loopback', '6006', '--cancel');
  assert.match(cancelled, /"loopback" was started with --plain, which forwards no other ports\n/);

  const asked = await stderrOf(2, laptop, 'stop', '--plain');
  assert.match(asked, new RegExp(`pkill would end all of these on loopback:\n  ${jupyter} jupyter`));
  assert.match(asked, /--yes/);
  assert.deepEqual(jupyters(), [jupyter]);
  assert.equal(await startTimeOf(pid), startTime);

  process.kill(pid, 'SIGTERM');
  await eventually('the tunnel is gone', async () => (await startTimeOf(pid)) === undefined);
  const forwarded = await laptop.run('forward', '--plain', '--verbose');
  assert.equal(forwarded.code, 0, forwarded.stderr);
  assert.ok(forwarded.stderr.includes(`$ ${commands[1]}\n`));
  assert.equal((await fetch(page)).status, 200);

  const stopped = await laptop.run('stop', '--plain', '--yes', '--verbose');
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.ok(stopped.stderr.includes(`$ ${ssh} loopback 'pkill -u ${account.name} jupyter'\n`));
  await nothingIsLeft(laptop);
});

/** A real Jupyter that does not log its page. */
const SILENT = ['--command', 'exec >/dev/null 2>&1; jupyter notebook'];

/** Ways to fail, with their messages. */
const FAILURES: readonly (readonly [why: string, options: readonly string[], says: RegExp])[] = [
  [
    'Jupyter is not there',
    ['--command', 'no-such-jupyter'],
    /Jupyter ended on loopback.*\n(.*\n)*.*no-such-jupyter/,
  ],
  [
    'Jupyter does not log its URL',
    [...SILENT, '--timeout', '3'],
    /Jupyter did not log its URL on loopback within 3 s/,
  ],
  ['the key is refused', ['--ssh-config', 'KEYLESS'], /Permission denied/],
];
/** An ssh_config for the same host, without the key to it. */
function keyless(): string {
  const file = join(world.sshd.folder, 'keyless');
  const lines = readFileSync(world.sshd.sshConfig, 'utf8').split('\n');
  writeFileSync(
    file,
    [...lines.filter((line) => !line.includes('IdentityFile')), '  IdentityFile none', ''].join('\n'),
  );
  return file;
}

for (const [why, options, says] of FAILURES) {
  test(`start --plain leaves nothing behind when ${why}`, { skip }, async () => {
    const laptop = world.anotherLaptop();
    const failed = await stderrOf(
      1,
      laptop,
      ...(await startWords()),
      ...options.map((word) => (word === 'KEYLESS' ? keyless() : word)),
    );
    assert.match(failed, says);
    await nothingIsLeft(laptop);
  });
}

test('start --plain runs nothing if its local port is in use, and names the program that uses it', {
  skip,
}, async () => {
  const laptop = world.anotherLaptop();
  const words = await startWords();
  const holder = createServer().listen(Number(words.at(-1)), '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const failed = await laptop.run(...words, '--verbose');
  holder.close();
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, new RegExp(`local port ${words.at(-1)} is already in use by node`));
  assert.doesNotMatch(failed.stderr, /^\$ nohup/m);
  await nothingIsLeft(laptop);
});

test('if the port on the host is in use, start --plain ends the Jupyter that it started, and no other', {
  skip,
}, async () => {
  const [first, second] = [world.anotherLaptop(), world.anotherLaptop()];
  const words = await startWords();
  assert.equal((await first.run(...words)).code, 0);
  const theirs = jupyters();
  await eventually('the first is told from a later one by its age', () => ageS(theirs[0]) > 4);
  const failed = await stderrOf(1, second, ...words.slice(0, -1), String(await freePort()));
  assert.match(failed, /port \d+ on loopback is already in use: Jupyter uses \d+/);
  await eventually('the second is gone', () => jupyters().length <= 1);
  assert.deepEqual(jupyters(), theirs);
  assert.equal((await first.run('stop', '--plain', '--yes')).code, 0);
  await nothingIsLeft(first);
  await nothingIsLeft(second);
});

test('Ctrl-C during start --plain leaves nothing behind', { skip }, async () => {
  const laptop = world.anotherLaptop();
  const starting = laptop.start(...(await startWords()), ...SILENT);
  await starting.saw('✓ forward');
  await eventually('Jupyter boots', () => jupyters().length === 1);
  starting.signal('SIGINT');
  assert.equal((await starting.ended).code, 130);
  await nothingIsLeft(laptop);
});

for (const shell of ALIAS_SHELLS) {
  test(`the three aliases of the article in ${shell} start Jupyter, forward its port and stop it`, {
    skip: skip || missing(shell),
  }, async () => {
    const laptop = world.anotherLaptop();
    const [, ...words] = await startWords();
    const { stdout: lines } = await laptop.run('aliases', ...words, '--shell', shell);
    await runAliases(shell, [lines, 'remote_notebook_start'], laptop.env);
    const page = `http://localhost:${words.at(-1)}/api`;
    await eventually(
      'Jupyter answers here',
      async () => (await fetch(page).catch(() => undefined))?.ok === true,
    );
    await runAliases(shell, [lines, 'remote_notebook_stop'], laptop.env);
    await eventually('Jupyter is gone', () => jupyters().length === 0);
    for (const pid of tunnels()) signalQuietly(pid, 'SIGTERM');
    await nothingIsLeft(laptop);
  });
}
