import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { diagnosis } from '../hosts/diagnosis.ts';
import { execute, openSession } from '../hosts/kernels.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeVenv, writeKernelspec } from '../hosts/venv.ts';
import { eventually } from '../hosts/world.ts';

/** The Python that runs the cells of a notebook may be another one than that of the environment. */

const world = await worldPerFile();
const SYSTEM = '/usr/bin/python3';
const userData = join(world.home, '.local', 'share', 'jupyter');
const configuration = join(world.home, '.jupyter');
afterEach(() => {
  for (const name of ['kernels', 'other']) rmSync(join(userData, name), { recursive: true, force: true });
  rmSync(configuration, { recursive: true, force: true });
});

interface Case {
  /** Changes the host; `folder` is the folder of the venv. */
  readonly prepare: (folder: string) => void;
  /** Options of the start. */
  readonly options?: readonly string[];
  readonly python: 'its own' | typeof SYSTEM;
  /** The kernel's name, unless it is python3. */
  readonly name?: string;
  /** The part of the fix that doctor shows, if there is something to fix. */
  readonly fix?: RegExp;
}

const INSTALL_KERNEL =
  /venv\/bin\/pip install ipykernel && .*venv\/bin\/python -m ipykernel install --sys-prefix/;

const CASES: Readonly<Record<string, Case>> = {
  'a venv with a kernel of its own': { prepare: () => {}, python: 'its own' },
  'a venv without a kernel, so that the one of the system is used': {
    prepare: (folder) => rmSync(join(folder, 'share'), { recursive: true }),
    python: SYSTEM,
    fix: INSTALL_KERNEL,
  },
  'a venv without Jupyter, so that the one of the system is used': {
    prepare: (folder) => {
      for (const name of ['bin/jupyter', 'bin/jupyter-notebook', 'share'])
        rmSync(join(folder, name), { recursive: true });
    },
    python: SYSTEM,
    fix: /venv\/bin\/pip install jupyterlab/,
  },
  "a kernelspec in the user's home folder that comes first": {
    prepare: () => writeKernelspec(userData, SYSTEM),
    python: SYSTEM,
    fix: INSTALL_KERNEL,
  },
  'a kernelspec in JUPYTER_PATH that comes first': {
    prepare: () => writeKernelspec(join(userData, 'other'), SYSTEM),
    options: ['--setup', `export JUPYTER_PATH='${join(userData, 'other')}'`],
    python: SYSTEM,
    fix: INSTALL_KERNEL,
  },
  "a kernelspec with the bare name `python`, which stands for Jupyter's own": {
    prepare: () => writeKernelspec(userData, 'python'),
    python: 'its own',
  },
  'another default kernel in the configuration of Jupyter': {
    prepare: () => {
      writeKernelspec(userData, SYSTEM, 'mine');
      mkdirSync(configuration, { recursive: true });
      for (const kind of ['notebook', 'server'])
        writeFileSync(
          join(configuration, `jupyter_${kind}_config.py`),
          "c.MultiKernelManager.default_kernel_name = 'mine'\n",
        );
    },
    python: SYSTEM,
    name: 'mine',
    fix: INSTALL_KERNEL,
  },
};

for (const [index, [what, { prepare, options = [], python, name = 'python3', fix }]] of Object.entries(
  CASES,
).entries()) {
  test(`start, status, doctor and a cell agree on its Python: ${what}`, async () => {
    const { laptop } = world;
    const directory = `work${index}`;
    const folder = join(world.home, directory, 'venv');
    makeVenv(folder);
    prepare(folder);
    const words = ['-d', directory, '-e', 'venv', ...options];
    const { checks } = await diagnosis(world, ...words, ...(await ports()));
    const shown = await started(laptop, ...words, ...(await ports()));
    const expected = {
      name,
      installed: true,
      python: python === SYSTEM ? SYSTEM : join(folder, 'bin', 'python'),
      inEnvironment: python !== SYSTEM,
    };
    assert.deepEqual(shown.jupyter.kernel, expected);
    assert.deepEqual((await statusOf(laptop)).jupyter.kernel, expected);
    const again = await laptop.run('start', 'loopback', '{F}', ...words);
    const outside = `cells run in ${SYSTEM}, outside the environment "venv"`;
    assert.equal(again.stderr.includes(outside), fix !== undefined, again.stderr);
    const check = checks.find((each) => each.name === 'kernel');
    if (fix === undefined) {
      assert.deepEqual([check?.verdict, check?.found], ['ok', `cells run in ${expected.python}`]);
    } else {
      assert.equal(check?.verdict, 'warning', JSON.stringify(check));
      assert.ok(check.found.startsWith(`${outside} (kernelspec: `), check.found);
      assert.match(check.fix ?? '', fix);
      assert.match(again.stderr, fix);
    }
    const file = join(world.home, directory, 'python');
    const kernel = await openSession(laptop, shown, 'walk.ipynb', name);
    execute(world, kernel, `import sys; open('python', 'w').write(sys.executable)`);
    await eventually('the cell has run', () => attemptRead(file) !== '');
    assert.equal(attemptRead(file), expected.python);
    await done(laptop, 'stop', '--yes');
  });
}

function attemptRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
