import assert from 'node:assert/strict';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import {
  makeCondaEnvironment,
  startedIn,
  startWords,
  stopAll,
  workOf,
  write,
} from '../hosts/environments.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { missing, NO_MODULES } from '../hosts/needs.ts';
import { stderrOf } from '../hosts/servers.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { makeVenv } from '../hosts/venv.ts';

/**
 * Every form of --environment, with a start, a connection from another laptop and a stop. conda, uv and pixi are stand-ins
 * (see test/hosts/stand-ins); poetry and Lmod are real.
 */

const world = worldPerTest();
let work: string;
beforeEach(async () => {
  work = workOf(world);
});

test('conda:NAME uses the conda in the home folder and its activation scripts, without conda init', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'miniforge3/envs/ml'));
  const { program, variables, phases } = await startedIn(world, 'conda:ml');
  assert.equal(program, join(world.home, 'miniforge3/envs/ml/bin/python'));
  assert.ok(variables.includes("FROM_ACTIVATION=two\nlines, it's"));
  assert.ok('environment' in phases);
  await stopAll(world);
});

test('conda:PATH uses an environment elsewhere; the path begins with ~ or /', async () => {
  standIn('conda', join(world.home, 'anaconda3/bin/conda'));
  makeCondaEnvironment(join(world.home, 'my envs/ml'));
  const { program } = await startedIn(world, 'conda:~/my envs/ml');
  assert.equal(program, join(world.home, 'my envs/ml/bin/python'));
  await stopAll(world);
});

test('conda:NAME is also found by micromamba if the conda on the host does not know it', async () => {
  standIn('conda', join(world.home, 'miniconda3/bin/conda'));
  standIn('conda', join(world.home, '.local/bin/micromamba'));
  makeCondaEnvironment(join(world.home, 'micromamba/envs/ml'));
  const { program } = await startedIn(world, 'conda:ml');
  assert.equal(program, join(world.home, 'micromamba/envs/ml/bin/python'));
  await stopAll(world);
});

test('uv uses the environment of the project in the directory, and no uv process stays', async () => {
  standIn('uv', join(world.home, '.local/bin/uv'));
  write(join(work, 'pyproject.toml'), '[project]\nname = "work"\n');
  makeVenv(join(work, '.venv'));
  const { program } = await startedIn(world, 'uv');
  assert.equal(program, join(work, '.venv/bin/python'));
  await stopAll(world);
});

test('pixi uses the environment of the workspace in the directory, and no pixi process stays', async () => {
  standIn('pixi', join(world.home, '.pixi/bin/pixi'));
  write(join(work, 'pixi.toml'), '');
  makeVenv(join(work, '.pixi/envs/default'));
  const { program, variables } = await startedIn(world, 'pixi');
  assert.equal(program, join(work, '.pixi/envs/default/bin/python'));
  assert.ok(variables.includes('PIXI_ENVIRONMENT_NAME=default'));
  await stopAll(world);
});

const PYPROJECT = `[tool.poetry]
name = "work"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = "*"
`;

test('poetry uses the environment of the project in the directory, and no poetry process stays', {
  skip: missing('poetry'),
}, async () => {
  write(join(work, 'pyproject.toml'), PYPROJECT);
  makeVenv(join(work, '.venv'));
  const { program, variables } = await startedIn(world, 'poetry');
  assert.equal(program, join(work, '.venv/bin/python'));
  assert.ok(variables.includes(`VIRTUAL_ENV=${join(work, '.venv')}`));
  await stopAll(world);
});

/** Writes two modules in the language that both kinds of `module` read; the first has a Jupyter. */
function writeModules(): string {
  const folder = join(world.home, 'modulefiles');
  makeVenv(join(world.home, 'apps/python'));
  write(
    join(folder, 'python/3.11'),
    `#%Module1.0\nprepend-path PATH {${join(world.home, 'apps/python/bin')}}\nsetenv FROM_PYTHON yes\n`,
  );
  write(join(folder, 'cuda'), '#%Module1.0\nsetenv FROM_CUDA yes\n');
  return `export MODULEPATH='${folder.replaceAll("'", "'\\''")}'`;
}

test('module:NAME,NAME loads these modules in a shell that is not a login shell', {
  skip: NO_MODULES,
}, async () => {
  const setup = ['--setup', writeModules()];
  const { program, variables } = await startedIn(world, 'module:python/3.11,cuda', ...setup);
  assert.equal(program, join(world.home, 'apps/python/bin/python'));
  assert.deepEqual(variables.filter((variable) => variable.startsWith('FROM_')).toSorted(), [
    'FROM_CUDA=yes',
    'FROM_PYTHON=yes',
  ]);
  await stopAll(world);
});

test('a venv in the directory is used by default: .venv before venv, and only with jupyter', async () => {
  makeVenv(join(work, '.venv'), { jupyter: false });
  makeVenv(join(work, 'venv'));
  const stderr = await stderrOf(
    0,
    world.laptop,
    ...startWords(world, '').filter((word) => word !== '--json'),
  );
  assert.match(stderr, /ignoring \.venv in the directory: it has no jupyter\n/);
  assert.match(stderr, /using venv in the directory\n/);
  await stopAll(world);
  makeVenv(join(work, '.venv'));
  const { program } = await startedIn(world, '');
  assert.equal(program, join(work, '.venv/bin/python'));
  await stopAll(world);
});
