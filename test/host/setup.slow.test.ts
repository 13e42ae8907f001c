import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import {
  failureIn,
  makeCondaEnvironment,
  startedIn,
  startWords,
  stopAll,
  workOf,
  write,
} from '../hosts/environments.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually } from '../hosts/world.ts';

/** What setup commands and activate scripts do to a launch, and the messages if they fail. */

const world = worldPerTest();
let work: string;
beforeEach(async () => {
  work = workOf(world);
});

test('setup commands run in order in the directory, in one shell, before the environment', async () => {
  makeVenv(join(work, 'my env'));
  const lines = [
    'say() { echo "noise, $1"; export SAID="$1"; }',
    'say "$(pwd)"',
    'cd /',
    'export VIRTUAL_ENV=/before',
  ];
  const spec = { destination: 'loopback', directory: work, environment: 'my env', setup: lines };
  write(world.laptop.configurationFile, JSON.stringify({ servers: { loopback: spec } }));
  const { program, variables } = await startedIn(world, '');
  assert.equal(program, join(work, 'my env/bin/python'));
  const expected = [`SAID=${work}`, `VIRTUAL_ENV=${join(work, 'my env')}`, `PWD=${work}`];
  assert.deepEqual(
    expected.filter((variable) => !variables.includes(variable)),
    [],
  );
  await stopAll(world);
});

test('a variable of any name that a setup command exports does not affect the launch', async () => {
  const elsewhere = join(world.home, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'record'), 'mine');
  const lines = [
    `export folder='${elsewhere}' here='${elsewhere}' port=1 launch=x name=x command=false pid=1 locked=`,
  ];
  await startedIn(world, '', '--setup', ...lines);
  await stopAll(world);
  assert.equal(readFileSync(join(elsewhere, 'record'), 'utf8'), 'mine');
});

test('a variable that a setup command exports reaches Jupyter, and does not affect conda', async () => {
  const root = join(world.home, 'miniforge3');
  standIn('conda', join(root, 'bin/conda'));
  makeCondaEnvironment(join(root, 'envs/ml'));
  const { variables } = await startedIn(
    world,
    'conda:ml',
    '--setup',
    'export CONDA=/opt/mine OWN=me MODULES=none',
  );
  assert.ok(
    variables.includes('CONDA=/opt/mine') && variables.includes('MODULES=none'),
    variables.join('\n'),
  );
  await stopAll(world);
});

test('a variable of any name that an activate script sets does not affect the launch', async () => {
  makeVenv(join(work, 'venv'));
  const lines = `folder='${world.home}' here=/ OWN= port=1 launch=x name=x command=false pid=1 locked=\ncd /\n`;
  appendFileSync(join(work, 'venv/bin/activate'), lines);
  const { server } = await startedIn(world, 'venv');
  assert.equal(readlinkSync(`/proc/${server.pid}/cwd`), work);
  await stopAll(world);
});

test('an activate script that ends its shell fails with its output', async () => {
  makeVenv(join(work, 'venv'));
  appendFileSync(join(work, 'venv/bin/activate'), 'echo "words of the script"; exit 0\n');
  assert.equal(
    await failureIn(world, 'venv'),
    `Error: cannot enter the environment "venv" on loopback. It printed:
  words of the script
Fix its bin/activate, or create it again: python3 -m venv venv && venv/bin/pip install jupyterlab
`,
  );
});

for (const [what, line, output] of [
  ['fails', 'echo "words of the tool" >&2; false', '\nIt printed:\n  words of the tool'],
  ['ends its shell', 'echo "words of the tool"; exit 0', '\nIt printed:\n  words of the tool'],
  ['is not valid shell code', 'if then', '\nIt printed:\n  .*syntax error.*\n.*'],
  [
    'runs a program that does not exist',
    'no-such-program',
    '\nIt printed:\n  .*no-such-program: command not found',
  ],
] as const) {
  test(`a setup command that ${what} fails with its output`, async () => {
    const message = await failureIn(world, '', '--setup', 'true # it is well', '--setup', line);
    const escaped = line.replace(/[$()|&;]/g, '\\$&');
    assert.match(
      message,
      new RegExp(
        `^Error: a setup command failed on loopback: ${escaped}${output}\nFix it in config\\.yaml or in --setup\\.`,
      ),
    );
  });
}

test('a start that is interrupted while it enters an environment leaves nothing behind', async () => {
  const begun = join(work, 'begun');
  const line = `trap '' TERM; touch begun; sleep 1000`;
  const start = world.laptop.start(...startWords(world, ''), '--setup', line);
  await eventually('the line runs', () => existsSync(begun));
  start.signal('SIGINT');
  const { code, stderr } = await start.ended;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /Interrupted; nothing is left behind\./);
  await nothingIsLeft(world);
});
