import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { failureIn, workOf, write } from '../hosts/environments.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { missing, NO_MODULES } from '../hosts/needs.ts';
import { whereIs } from '../hosts/shells.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { makeVenv } from '../hosts/venv.ts';

/** Environments that cannot be entered or have no Jupyter. Each failure names the one command that helps. */

const world = worldPerTest();
let work: string;
beforeEach(async () => {
  work = workOf(world);
});

test('an environment without jupyter fails with the command that installs it, even if the system has one', async () => {
  standIn('conda', join(world.home, 'miniforge3/bin/conda'));
  makeVenv(join(world.home, 'miniforge3/envs/bare'), { jupyter: false });
  mkdirSync(join(world.home, 'miniforge3/envs/bare/conda-meta'));
  assert.equal(
    await failureIn(world, 'conda:bare'),
    `Error: jupyter was not found on loopback. Searched: HOME/miniforge3/envs/bare/bin
Install it there: conda install -n bare -c conda-forge jupyterlab
`,
  );
});

/** What is on the host, the requested environment, and the message. */
const FAILURES: Readonly<
  Record<string, readonly [prepare: () => void, environment: string, message: string]>
> = {
  'a conda environment that does not exist': [
    () => standIn('conda', join(world.home, 'miniforge3/bin/conda')),
    'conda:nope',
    `cannot enter the environment "conda:nope" on loopback. It printed:
  EnvironmentNameNotFound: Could not find conda environment: nope
  You can list all discoverable environments with \`conda info --envs\`.
If it does not exist yet, create it: conda create -n nope -c conda-forge jupyterlab
`,
  ],
  'a project that uv cannot prepare': [
    () => {
      standIn('uv', join(world.home, '.local/bin/uv'));
      write(join(work, 'pyproject.toml'), '');
    },
    'uv',
    `cannot enter the environment "uv" on loopback. It printed:
  error: Failed to fetch jupyterlab
If it does not exist yet, create it: uv init && uv add jupyterlab
`,
  ],
  'a uv project without Jupyter': [
    () => {
      standIn('uv', join(world.home, '.local/bin/uv'));
      write(join(work, 'pyproject.toml'), '');
      makeVenv(join(work, '.venv'), { jupyter: false });
    },
    'uv',
    `jupyter was not found on loopback. Searched: HOME/it's work/.venv/bin
Install it there: uv add jupyterlab
`,
  ],
  'a pixi workspace without Jupyter': [
    () => {
      standIn('pixi', join(world.home, '.pixi/bin/pixi'));
      write(join(work, 'pixi.toml'), '');
      mkdirSync(join(work, '.pixi/envs/default'), { recursive: true });
    },
    'pixi',
    `jupyter was not found on loopback. Searched: HOME/it's work/.pixi/envs/default/bin
Install it there: pixi add jupyterlab
`,
  ],
};

for (const [what, [prepare, environment, message]] of Object.entries(FAILURES)) {
  test(`${what} fails with the one command that helps`, async () => {
    prepare();
    assert.equal(await failureIn(world, environment), `Error: ${message}`);
  });
}

test('a directory that is not a poetry project fails with the output of poetry', {
  skip: missing('poetry'),
}, async () => {
  assert.match(
    await failureIn(world, 'poetry'),
    /^Error: cannot enter the environment "poetry" on loopback\. It printed:\n(?:.*\n)*.*could not find a pyproject\.toml.*\n(?:.*\n)*If it does not exist yet, create it: poetry init && poetry add jupyterlab\n$/,
  );
});

test('a module that does not exist fails with the output of module', { skip: NO_MODULES }, async () => {
  assert.match(
    await failureIn(world, 'module:no-such-module'),
    /^Error: cannot enter the environment "module:no-such-module" on loopback\. It printed:\n(?:.*\n)*.*no-such-module.*\n(?:.*\n)*See which modules there are: module avail\n$/,
  );
});

for (const [environment, tool] of [
  ['conda:ml', 'conda'],
  ['uv', 'uv'],
  ['pixi', 'pixi'],
] as const) {
  test(`${environment} on a host without ${tool} fails and lists the places that were searched`, {
    skip: whereIs(tool) !== undefined && `this machine has a ${tool}`,
  }, async () => {
    assert.match(
      await failureIn(world, environment),
      new RegExp(
        `^Error: ${tool} was not found on loopback\\. Searched: /.*:HOME/\\.local/bin.*\nIf it is somewhere else, add a setup command: export PATH=/path/to/bin:\\$PATH\n$`,
      ),
    );
  });
}
