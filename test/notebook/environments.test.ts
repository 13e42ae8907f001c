import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lacks } from '../hosts/shells.ts';
import { ports } from '../hosts/sshd.ts';
import { traces } from '../hosts/traces.ts';
import { makeVenv } from '../hosts/venv.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/**
 * Every form of --environment: started, joined from another laptop and stopped. conda, uv and pixi are stand-ins (see
 * test/hosts/stand-ins); poetry and Lmod are the real ones.
 */

let world: World;
let work: string;
beforeEach(async () => {
  world = await makeWorld();
  work = join(world.home, "it's work");
  mkdirSync(work);
});
afterEach(() => world.remove());

function standIn(name: 'conda' | 'uv' | 'pixi', path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(fileURLToPath(new URL(`../hosts/stand-ins/${name}-stand-in.sh`, import.meta.url)), path);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A conda environment: a prefix with a folder conda-meta, and a script for its activation that is bash's, as many are. */
function makeCondaEnvironment(prefix: string): void {
  makeVenv(prefix);
  mkdirSync(join(prefix, 'conda-meta'));
  const script = "function greet() { echo hello; }\ngreet\nexport FROM_ACTIVATION=$'two\\nlines, '\"it's\"\n";
  write(join(prefix, 'etc/conda/activate.d/greet.sh'), script);
}

const words = (environment: string) => [
  'start',
  'loopback',
  '{F}',
  '--no-open',
  '--json',
  '--directory',
  work,
  ...(environment === '' ? [] : ['--environment', environment]),
];

/** Starts in this environment, joins from another laptop, and answers with what runs and its variables. */
async function startedIn(environment: string, ...more: string[]) {
  const port = await ports();
  const started = await world.laptop.run(...words(environment), ...port, ...more);
  assert.equal(started.code, 0, started.stderr);
  const { server, phases } = JSON.parse(started.stdout);
  const joined = await world.anotherLaptop().run(...words(environment), ...more);
  assert.equal(joined.code, 0, joined.stderr);
  assert.deepEqual(
    [JSON.parse(joined.stdout).joined, JSON.parse(joined.stdout).server.pid],
    [true, server.pid],
  );
  const read = (file: string) => readFileSync(`/proc/${server.pid}/${file}`, 'utf8').split('\0');
  return { server, phases, notes: started.stderr, program: read('cmdline')[0], variables: read('environ') };
}

/** Stops it: then nothing of it is left on the host, no wrapper either. */
async function stopAll(): Promise<void> {
  const stopped = await world.laptop.run('stop');
  assert.equal(stopped.code, 0, stopped.stderr);
  await eventually('nothing is left but the other laptop', () => hostTraces().length === 0, 20_000).catch(
    () => assert.deepEqual(hostTraces(), []),
  );
}

function hostTraces(): string[] {
  return traces(world, world.laptop).filter((trace) => !/: (sh|\/bin\/sh|ssh|sshd)\b|sshd: /.test(trace));
}

async function failure(...args: string[]): Promise<string> {
  const { code, stderr } = await world.laptop.run(...args);
  assert.equal(code, 1, stderr);
  await eventually('nothing is left', () => traces(world, world.laptop).length === 0, 20_000).catch(() =>
    assert.deepEqual(traces(world, world.laptop), []),
  );
  return stderr.slice(stderr.indexOf('Error: ')).replaceAll(world.home, 'HOME');
}

test('conda:NAME is that environment of the conda in the home folder, with its activation scripts, and no conda init', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'miniforge3/envs/ml'));
  const { program, variables, phases } = await startedIn('conda:ml');
  assert.equal(program, join(world.home, 'miniforge3/envs/ml/bin/python'));
  assert.ok(variables.includes("FROM_ACTIVATION=two\nlines, it's"));
  assert.ok('environment' in phases);
  await stopAll();
});

test('conda:PATH is an environment outside, which begins with ~ or /', async () => {
  standIn('conda', join(world.home, 'anaconda3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'my envs/ml'));
  const { program } = await startedIn('conda:~/my envs/ml');
  assert.equal(program, join(world.home, 'my envs/ml/bin/python'));
  await stopAll();
});

test('conda:NAME is found by micromamba, too, when the conda that is there does not know it', async () => {
  standIn('conda', join(world.home, 'miniconda3/bin/conda'));
  standIn('conda', join(world.home, '.local/bin/micromamba'));
  makeCondaEnvironment(join(world.home, 'micromamba/envs/ml'));
  const { program } = await startedIn('conda:ml');
  assert.equal(program, join(world.home, 'micromamba/envs/ml/bin/python'));
  await stopAll();
});

test('uv is the environment of the project in the directory, and no uv stays', async () => {
  standIn('uv', join(world.home, '.local/bin/uv'));
  write(join(work, 'pyproject.toml'), '[project]\nname = "work"\n');
  makeVenv(join(work, '.venv'));
  const { program } = await startedIn('uv');
  assert.equal(program, join(work, '.venv/bin/python'));
  await stopAll();
});

test('pixi is the environment of the workspace in the directory, and no pixi stays', async () => {
  standIn('pixi', join(world.home, '.pixi/bin/pixi'));
  write(join(work, 'pixi.toml'), '');
  makeVenv(join(work, '.pixi/envs/default'));
  const { program, variables } = await startedIn('pixi');
  assert.equal(program, join(work, '.pixi/envs/default/bin/python'));
  assert.ok(variables.includes('PIXI_ENVIRONMENT_NAME=default'));
  await stopAll();
});

const PYPROJECT = `[tool.poetry]
name = "work"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "*"
`;

test('poetry is the environment of the project in the directory, and no poetry stays', {
  skip: lacks('poetry'),
}, async () => {
  write(join(work, 'pyproject.toml'), PYPROJECT);
  makeVenv(join(work, '.venv'));
  const { program, variables } = await startedIn('poetry');
  assert.equal(program, join(work, '.venv/bin/python'));
  assert.ok(variables.includes(`VIRTUAL_ENV=${join(work, '.venv')}`));
  await stopAll();
});

test('no jupyter in the environment is told with the command that installs it, though the system has one', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeVenv(join(world.home, 'miniforge3/envs/bare'), { jupyter: false });
  mkdirSync(join(world.home, 'miniforge3/envs/bare/conda-meta'));
  assert.equal(
    await failure(...words('conda:bare')),
    `Error: jupyter is not installed on loopback, or not where it is looked for: HOME/miniforge3/envs/bare/bin
Install it there: conda install -n bare -c conda-forge jupyterlab
`,
  );
});
