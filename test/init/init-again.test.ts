import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { firstTime } from '../hosts/first-time.ts';
import { done, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { ENTER } from '../hosts/terminal.ts';
import { eventually, type World } from '../hosts/world.ts';

/** `init` with an existing configuration, and without a terminal. */

const user = firstTime();
const { begin, configuration, assertNothingIsKept } = user;
let world: World;
beforeEach(() => {
  world = user.world();
});

const BEFORE = `# mine, and dear to me
default: play   # mostly
servers:
  play: { destination: other }
  # long ago
  loopback:
    destination: elsewhere # was it?
`;

test('a second init keeps config.yaml with its comments and default, and asks before it replaces a server', async () => {
  const { configurationFile } = world.laptop;
  mkdirSync(dirname(configurationFile), { recursive: true });
  writeFileSync(configurationFile, BEFORE);
  const dialogue = begin('loopback', '-F', world.sshd.sshConfig, '-d', 'rne', '-e', '.venv', '--no-browser');
  await dialogue.answer('A name for this server: [rne]', `loopback${ENTER}`);
  await dialogue.answer('config.yaml has "loopback", on elsewhere: replace it? [y/N]', ENTER);
  await dialogue.answer('A name for this server: [rne]', ENTER);
  await dialogue.answer('Leave it', `n${ENTER}`);
  await dialogue.answer('Install aliases', ENTER);
  assert.equal(await dialogue.ended(), 0, dialogue.shown());
  const settings = `destination: loopback\n    directory: rne\n    environment: .venv\n    ssh-config: ${world.sshd.sshConfig}`;
  const added = `  rne:\n    ${settings}\n`;
  assert.equal(configuration()?.replace(/ +#/g, ' #'), (BEFORE + added).replace(/ +#/g, ' #'));
});

test('a broken config.yaml is reported before the first question', async () => {
  mkdirSync(dirname(world.laptop.configurationFile), { recursive: true });
  writeFileSync(world.laptop.configurationFile, 'servers: 3\n');
  const dialogue = begin();
  assert.equal(await dialogue.ended(), 2);
  assert.match(dialogue.shown(), /^Error: .*config\.yaml:1: servers is 3/);
});

test('without a terminal init shows the options to use, and --yes asks nothing', async () => {
  const words = ['init', 'loopback', '{F}', '-d', 'rne'];
  const { code, stdout, stderr } = await world.laptop.run(...words);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    'Error: init asks questions, and there is no terminal\nIf you already know the answers, pass them as options: remote-notebook init user@host --directory DIR --environment VENV --name NAME --yes\n',
  );
  await assertNothingIsKept();
  const tried = await done(world.laptop, ...words, '--yes', '--json', ...(await ports()));
  const { name, saved, state } = JSON.parse(tried);
  assert.deepEqual([name, saved, state], ['loopback', world.laptop.configurationFile, 'connected']);
  assert.equal(parse(configuration() ?? '').servers.loopback.environment, '.venv');
  await done(world.laptop, 'stop');
});

test('--yes fails with the same error as start, and saves nothing', async () => {
  for (const [args, status, message] of [
    [['{F}'], 2, /^Error: --yes uses the defaults, but there is none for: Host/],
    [['loopback', '{F}', '-d', 'no where'], 1, /^.*Error: the directory "no where" does not exist/s],
    [['loopback', '{F}', '-p', '99999'], 2, /^Error: --port is 99999/],
  ] as const) {
    if (args[0] === '{F}')
      writeFileSync(world.sshd.sshConfig, `Host two\n${readFileSync(world.sshd.sshConfig)}`);
    const { code, stderr } = await world.laptop.run('init', ...args, '--yes');
    assert.equal(code, status, stderr);
    assert.match(stderr, message);
    await assertNothingIsKept();
  }
});

test('if saving fails, a server whose tunnel was closed stays the same', async () => {
  const words = ['loopback', '{F}', '-d', 'rne', '-e', '.venv', '--no-browser'];
  await done(world.laptop, 'start', ...words, ...(await ports()));
  await done(world.laptop, 'stop', '--keep-server');
  const reached = join(world.home, 'reached');
  const go = join(world.home, 'go');
  // The host waits after init has read config.yaml, and before the server works.
  writeFileSync(join(world.home, '.bashrc'), `: >'${reached}'\nuntil [ -e '${go}' ]; do sleep 0.05; done\n`);
  const init = world.laptop.start('init', ...words, '--name', 'loopback', '--yes');
  await eventually('the host is where it is held', () => existsSync(reached));
  mkdirSync(world.laptop.configurationFile, { recursive: true });
  writeFileSync(go, '');
  const { code, stderr } = await init.ended;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /works: [\s\S]*cannot (read|write)/);
  rmdirSync(world.laptop.configurationFile);
  const spec = await statusOf(world.laptop);
  assert.deepEqual([spec.tunnel.state, spec.tunnel.wanted], ['closed', false]);
  await done(world.laptop, 'stop');
});
