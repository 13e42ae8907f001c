import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { VERBS } from '../src/commands/verbs.ts';
import { worldPerFile } from './hosts/lasting.ts';
import { output as outputIn, ROOT, run as runIn, type Way } from './hosts/package.ts';
import { liveAndDie } from './hosts/servers.ts';
import { noProcessIsLeft } from './hosts/traces.ts';

/** Every character in it has a meaning for make or for a shell. */
const AWKWARD = `it's "ä" $HOME $(touch pwned) \`touch pwned\` #\\ %`;

const world = await worldPerFile();
before(() => {
  mkdirSync(join(world.home, 'work'));
  mkdirSync(join(world.home, AWKWARD));
});

/** As on a shell of the user's: tcsh exports HOST, and WSL NAME, which make is not to take for its own. */
function way(): Way {
  return { env: { ...world.laptop.env, HOST: 'laptop', NAME: 'laptop', PORT: 'x' }, cwd: ROOT };
}
const run = (words: readonly string[]) => runIn(words, way());
const output = (words: readonly string[]) => outputIn(words, way());

test('npx zx scripts/VERB.ts starts, shows and stops a server', async () => {
  await liveAndDie(world, (verb, ...words) => output(['npx', 'zx', `scripts/${verb}.ts`, ...words]));
});

test('make VERB starts, shows and stops a server with exactly the given values', async () => {
  const host = `SSH_CONFIG=${world.sshd.sshConfig}`;
  const startWords = ['HOST=loopback', host, `DIR=${AWKWARD}`, 'NAME=odd', 'ARGS=--no-browser --json'];
  const started = JSON.parse(output(['make', 'start', ...startWords]));
  assert.equal(started.directory, join(world.home, AWKWARD));
  assert.equal(started.name, 'odd');
  assert.match(output(['make', 'open', 'NAME=odd', 'ARGS=--print']), /^http:\S+token=\w+\n$/);
  assert.match(output(['make', 'forward', 'HOST=loopback']), /127\.0\.0\.1:\d+ -> /);
  assert.equal(output(['make', 'hosts', host]), 'loopback\n');
  output(['make', 'stop', 'NAME=odd']);
  await noProcessIsLeft(world);
  assert.equal(existsSync(join(ROOT, 'pwned')), false);
});

test('make VERB runs the zx script of the verb', () => {
  for (const verb of Object.keys(VERBS).filter((name) => existsSync(join(ROOT, `scripts/${name}.ts`)))) {
    const words = output(['make', '-n', verb, 'ARGS=-n 5']).trim().replace(/ +/g, ' ');
    assert.equal(words, `npx zx scripts/${verb}.ts -n 5`);
  }
});

test('make refuses an unknown parameter, and lists the known ones', () => {
  const known = ['HOST=gpu', 'DIR=my folder NAME2=x', "ARGS=--dry-run --command 'a b'"];
  assert.equal(run(['make', 'start', ...known]).status, 0);
  const { status, stdout, stderr } = run(['make', 'start', ...known, 'HOSTT=gpu']);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /unknown parameter HOSTT; use one of: HOST DIR ENV PORT LOCAL_PORT NAME .*ARGS/);
  assert.equal(run(['make', 'help', 'V=1']).status, 0);
});

test('make without a target lists all targets', () => {
  const help = output(['make']);
  for (const word of ['make demo', 'make test', 'make start HOST=']) assert.ok(help.includes(word), help);
});
