import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeOfVersion } from './hosts/nodes.ts';
import { liveAndDie } from './hosts/servers.ts';
import { makeWorld, type World } from './hosts/world.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Every letter in it means something to make, or to a shell. */
const AWKWARD = `it's "ä" $HOME $(touch pwned) \`touch pwned\` #\\ %`;

let world: World;
let folder: string;
/** Another Node than the one that runs the tests, if the npm registry can be reached. */
let node22: string | undefined;
before(async () => {
  world = await makeWorld();
  folder = mkdtempSync(join(tmpdir(), 'rn-faces-'));
  node22 = nodeOfVersion('22', folder);
  mkdirSync(join(world.home, 'work'));
  mkdirSync(join(world.home, AWKWARD));
});
after(async () => {
  await world.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Face {
  readonly node?: string | undefined;
  readonly cwd?: string;
}

/** Runs a command to its end, with this Node in front of the PATH. */
function run(words: readonly string[], { node = process.execPath, cwd = root }: Face = {}) {
  const { MAKEFLAGS: _, MAKELEVEL: __, MFLAGS: ___, ...env } = world.laptop.env;
  const [program = '', ...args] = words;
  const PATH = [dirname(node), env.PATH].join(delimiter);
  // tcsh exports HOST, and WSL NAME: make is not to take these for its own.
  const options = { cwd, env: { ...env, PATH, HOST: 'laptop', NAME: 'laptop', PORT: 'x' } };
  return spawnSync(program, args, { ...options, encoding: 'utf8' });
}

function output(words: readonly string[], face: Face = {}): string {
  const { status, stdout, stderr } = run(words, face);
  assert.equal(status, 0, `${words.join(' ')}\n${stderr}`);
  return stdout;
}

for (const version of ['', '22']) {
  const under = version === '' ? '' : ` under Node ${version}`;

  /** The Node to run with; the test is skipped where there is none of that version. */
  const nodeFor = (context: TestContext): string | undefined => {
    if (version === '') return process.execPath;
    if (!node22) context.skip('npm cannot fetch Node 22 here');
    return node22;
  };

  test(`npx zx scripts/VERB.ts starts, shows and stops a server${under}`, (context) => {
    const node = nodeFor(context);
    if (node)
      liveAndDie(world, (verb, ...words) => output(['npx', 'zx', `scripts/${verb}.ts`, ...words], { node }));
  });
}

test('make VERB does so, with its values as they were typed and none that it was not given', () => {
  const host = `SSH_CONFIG=${world.sshd.sshConfig}`;
  const startWords = ['HOST=loopback', host, `DIR=${AWKWARD}`, 'NAME=odd', 'ARGS=--no-browser --json'];
  const started = JSON.parse(output(['make', 'start', ...startWords]));
  assert.equal(started.directory, join(world.home, AWKWARD));
  assert.equal(started.name, 'odd');
  assert.match(output(['make', 'open', 'NAME=odd', 'ARGS=--print']), /^http:\S+token=\w+\n$/);
  assert.match(output(['make', 'status']), /odd +running \d+ ms +connected/);
  assert.match(output(['make', 'forward', 'HOST=loopback']), /127\.0\.0\.1:\d+ -> /);
  assert.match(output(['make', 'logs', 'NAME=odd', 'ARGS=-n 5']), /\S/);
  assert.equal(output(['make', 'hosts', host]), 'loopback\n');
  assert.match(output(['make', 'config', 'ARGS=path']), /config\.yaml\n$/);
  assert.match(output(['make', 'aliases', 'HOST=gpu', 'ARGS=--shell zsh']), /alias remote_notebook_start=/);
  output(['make', 'stop', 'NAME=odd']);
  assert.deepEqual(world.processes(), []);
  assert.equal(existsSync(join(root, 'pwned')), false);
});

test('make refuses a parameter that it does not know, and names those that there are', () => {
  const known = ['HOST=gpu', 'DIR=my folder NAME2=x', "ARGS=--dry-run --command 'a b'"];
  assert.equal(run(['make', 'start', ...known]).status, 0);
  const { status, stdout, stderr } = run(['make', 'start', ...known, 'HOSTT=gpu']);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /there is no parameter HOSTT; it is one of: HOST DIR ENV PORT LOCAL_PORT NAME .*ARGS/);
  assert.equal(run(['make', 'help', 'V=1']).status, 0);
});

test('make alone tells what it can do', () => {
  const help = output(['make']);
  for (const word of ['make demo', 'make test', 'make start HOST=']) assert.ok(help.includes(word), help);
});
