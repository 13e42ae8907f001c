import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { worldPerTest } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import {
  NO_JUPYTER_OF_TODAY,
  onHostOfToday,
  optionsOfToday,
  programOfToday,
  withToday,
} from '../hosts/today.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { describeJupyterLab } from './jupyterlab.ts';

/** The ways in which people install the Jupyter of today. */

const needs = { skip: NO_JUPYTER_OF_TODAY };

describeJupyterLab({ kind: 'the JupyterLab of today', skip: NO_JUPYTER_OF_TODAY, options: withToday });

const world = worldPerTest(optionsOfToday);

test('JupyterLab from pipx is found without any option', needs, async () => {
  onHostOfToday(world, ['pipx', 'install', 'jupyterlab']);
  const { jupyter } = await started(world.laptop, ...(await ports()));
  assert.equal(jupyter.command, 'jupyter lab');
  assert.match(jupyter.version, /^4\./);
  assert.match(jupyter.kernel.python ?? '', /\/pipx\/venvs\/jupyterlab\/bin\/python/);
  await done(world.laptop, 'stop');
  await nothingIsLeft(world);
});

test('Notebook 7 from `uv tool install` opens its own page, and shows its own version', needs, async () => {
  onHostOfToday(world, ['uv', 'tool', 'install', 'notebook']);
  const { jupyter } = await started(world.laptop, ...(await ports()));
  const command = join(world.home, '.local/bin/jupyter-notebook');
  const version = onHostOfToday(world, [command, '--version']).trim();
  assert.deepEqual([jupyter.command, jupyter.version], ['jupyter notebook', version]);
  const page = await fetch((await done(world.laptop, 'open', '--print')).trim());
  assert.deepEqual([page.status, new URL(page.url).pathname], [200, '/tree']);
});

test(
  'a uv project runs its own JupyterLab and its own cells, also after its kernel was missing',
  needs,
  async () => {
    const { laptop, home } = world;
    const work = join(home, 'work');
    mkdirSync(join(home, '.local/bin'), { recursive: true });
    mkdirSync(work);
    symlinkSync(programOfToday('uv'), join(home, '.local/bin/uv'));
    const uv = (...words: string[]) => onHostOfToday(world, ['uv', ...words], work);
    uv('init', '--bare');
    uv('add', 'jupyterlab');
    const python = join(work, '.venv/bin/python');
    const words = ['-d', 'work', '-e', 'uv', ...(await ports())];
    const { jupyter } = await started(laptop, ...words);
    assert.deepEqual([jupyter.command, jupyter.kernel.inEnvironment], ['jupyter lab', true]);
    assert.ok(jupyter.kernel.python?.startsWith(join(work, '.venv/bin/python')), jupyter.kernel.python ?? '');
    await done(laptop, 'stop');

    // Without its kernelspec, Jupyter finds the next one, if there is any.
    uv('pip', 'uninstall', '--python', python, 'ipykernel');
    const { code, stderr } = await laptop.run(
      'start',
      'loopback',
      '{F}',
      '--no-browser',
      ...words,
      '--setup',
      'export UV_NO_SYNC=1',
    );
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /(cells run in \/usr\/bin\/python3, outside the environment "uv"|Jupyter has no kernel "python3").*uv add ipykernel && uv run python -m ipykernel install --sys-prefix/,
    );
    const { kernel } = (await statusOf(laptop)).jupyter;
    assert.equal(kernel.inEnvironment, false);
  },
);
