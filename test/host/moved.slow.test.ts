import assert from 'node:assert/strict';
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { diagnosis } from '../hosts/diagnosis.ts';
import { failureIn, startedIn, startWords, stopAll, workOf } from '../hosts/environments.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { makeVenv } from '../hosts/venv.ts';

/** Environments that were moved or copied: their programs still lead to the place where they were created. */

const world = worldPerTest();

/** The message about a venv whose bin/activate leads to the folder `old`. */
const MOVED = `Error: the environment "venv" on loopback was moved or copied: its bin/activate leads to HOME/it's work/old
A venv works only where it was created. Create it again there, and install its packages: python3 -m venv --clear venv && venv/bin/pip install jupyterlab
`;

for (const [what, move] of [
  ['moved', renameSync],
  ['copied', (from: string, to: string) => cpSync(from, to, { recursive: true, verbatimSymlinks: true })],
] as const) {
  test(`a venv that was ${what} is refused, and its old path is shown`, async () => {
    const work = workOf(world);
    makeVenv(join(work, 'old'));
    move(join(work, 'old'), join(work, 'venv'));
    assert.equal((await failureIn(world, 'venv')).replaceAll(join(work, 'venv'), 'venv'), MOVED);
    const { checks } = await diagnosis(world, '-d', work, '-e', 'venv');
    const check = checks.find(({ name }) => name === 'environment');
    assert.equal(check?.verdict, 'failed');
    assert.match(check.found, /was moved or copied: its bin\/activate leads to .*\/old$/);
  });
}

test('a venv in the directory that was moved there is skipped with a note', async () => {
  const work = workOf(world);
  makeVenv(join(work, 'old'));
  renameSync(join(work, 'old'), join(work, '.venv'));
  const words = startWords(world, '').filter((word) => word !== '--json');
  const stderr = await stderrOf(0, world.laptop, ...words);
  assert.match(stderr, /ignoring \.venv in the directory: it was moved or copied, and leads to .*\/old\n/);
  assert.match(stderr, /Cells run in \/usr\/bin\/python3\.\n/);
  await stopAll(world);
});

test('a venv is entered through a symbolic link, or in a folder with two paths', async () => {
  const work = workOf(world);
  mkdirSync(join(work, 'real'));
  symlinkSync(join(work, 'real'), join(work, 'other'));
  makeVenv(join(work, 'other', 'env'));
  symlinkSync(join(work, 'real', 'env'), join(work, 'link'));
  for (const environment of ['real/env', 'other/env', 'link']) {
    const { server } = await startedIn(world, environment);
    assert.equal(server.kernel.inEnvironment, true, environment);
    await done(world.laptop, 'stop');
  }
});

test('a conda environment that was moved, and a Jupyter whose Python was removed, fail with the Python that is missing', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  const old = join(world.home, 'miniforge3/envs/old');
  const ml = join(world.home, 'miniforge3/envs/ml');
  makeVenv(old);
  mkdirSync(join(old, 'conda-meta'));
  renameSync(old, ml);
  const missing = (python: string) =>
    `Error: ${join(ml, 'bin/jupyter-notebook')} on loopback needs the Python ${python}, which does not exist
Its environment was moved, or its Python was removed. Create the environment again, or install Jupyter again.
`.replaceAll(world.home, 'HOME');
  assert.equal(await failureIn(world, 'conda:ml'), missing(join(old, 'bin/python')));
  rmSync(ml, { recursive: true });
  makeVenv(ml);
  mkdirSync(join(ml, 'conda-meta'));
  for (const name of ['python', 'python3']) rmSync(join(ml, 'bin', name), { force: true });
  assert.equal(await failureIn(world, 'conda:ml'), missing(join(ml, 'bin/python')));
});
