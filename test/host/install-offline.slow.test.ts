import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { failed } from '../hosts/failure.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork, type Network } from '../hosts/network.ts';
import { commandLineOf, factOf } from '../hosts/proc.ts';
import { cache, PYTHON } from '../hosts/registry-venv.ts';
import { NO_JUPYTER_OF_TODAY, optionsOfToday } from '../hosts/today.ts';
import { writeJupyter } from '../hosts/venv.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** A host that reaches nothing but the laptop. */

const skip = NO_ROOT || NO_JUPYTER_OF_TODAY;
let network: Network;
let world: World;
before(async () => {
  if (skip) return;
  network = makeNetwork();
  const { environment } = optionsOfToday();
  const PIP_CACHE_DIR = join(cache, 'pip');
  world = await makeWorld({ machine: network, environment: { ...environment, PIP_CACHE_DIR } });
});
after(async () => {
  await world?.remove();
  network?.remove();
});

test('a host without internet installs through this machine, with its own settings of pip, and the password is in no argument list there', {
  skip,
}, async () => {
  const constraints = join(world.home, 'constraints.txt');
  writeFileSync(constraints, 'ipykernel==6.29.5\n');
  mkdirSync(join(world.home, '.config/pip'), { recursive: true });
  writeFileSync(join(world.home, '.config/pip/pip.conf'), `[install]\nconstraint =\n  ${constraints}\n`);
  const venv = join(world.home, 'work/.venv');
  mkdirSync(join(world.home, 'work'));
  execFileSync(PYTHON, ['-m', 'venv', '--without-pip', venv]);
  writeJupyter(join(venv, 'bin'), PYTHON);
  const running = world.laptop.start('start', 'loopback', '{F}', '--no-browser', '--install', '-d', 'work');
  await running.saw('installing through this machine, which lets it connect to');
  const settings = /^PIP_CONFIG_FILE=(.*)$/m;
  let file: string | undefined;
  await eventually('pip has the proxy', () => {
    for (const pid of world.processes())
      file ??= settings.exec(factOf(pid, 'environ').replaceAll('\0', '\n'))?.[1];
    return file !== undefined;
  });
  const [, password = ''] =
    /^proxy = http:\/\/.*:(\w{48})@127\.0\.0\.1:\d+$/m.exec(readFileSync(file ?? '', 'utf8')) ?? [];
  assert.notEqual(password, '');
  assert.equal(execFileSync('stat', ['-c', '%a', file ?? ''], { encoding: 'utf8' }), '600\n');
  const everybodys = world.processes().map(commandLineOf).join('\n');
  assert.equal(everybodys.includes(password), false, everybodys);
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`! installed ipykernel in ${venv}\n`), stderr);
  const installed = ['-I', '-c', 'import ipykernel; print(ipykernel.__version__)'];
  assert.equal(execFileSync(join(venv, 'bin/python'), installed, { encoding: 'utf8' }), '6.29.5\n');
  const [program = '', ...words] = [...network.enter, 'ss', '-Hltn'];
  const listening = () => execFileSync(program, words, { encoding: 'utf8' }).trim().split('\n');
  await eventually('only sshd listens', () => listening().length === 1);
  await world.laptop.run('stop', '--yes');
});

test('if the index is on a private address that the host names, nothing leads there, and nothing is left', {
  skip,
}, async () => {
  mkdirSync(join(world.home, 'other'));
  const words = ['-d', 'other', '--setup=export PIP_INDEX_URL=https://127.0.0.1:9/'];
  const message = await failed(
    world,
    await world.laptop.run('start', 'loopback', '{F}', '--no-browser', '--install', ...words),
  );
  assert.match(message, /\nThe host does not reach its package index\. /);
  assert.doesNotMatch(message, /through this machine/);
  assert.deepEqual(readdirSync(join(world.home, 'other')), []);
});
