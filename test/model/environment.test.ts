import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installCommand, parseEnvironment } from '../../src/model/environment.ts';
import { UsageError } from '../../src/system/errors.ts';

/** The user's text, its meaning, and the commands that install Jupyter. */
const FORMS: readonly (readonly [word: string, environment: object, install: string])[] = [
  ['', { kind: 'none' }, 'python3 -m venv .venv && .venv/bin/pip install jupyterlab'],
  ['.venv', { kind: 'venv', folder: '.venv' }, '.venv/bin/pip install jupyterlab'],
  ['~/my env', { kind: 'venv', folder: '~/my env' }, "~/'my env/bin/pip' install jupyterlab"],
  ['./uv', { kind: 'venv', folder: './uv' }, './uv/bin/pip install jupyterlab'],
  ['./conda:x', { kind: 'venv', folder: './conda:x' }, './conda:x/bin/pip install jupyterlab'],
  ['conda:ml', { kind: 'conda', name: 'ml' }, 'conda install -n ml -c conda-forge jupyterlab'],
  ['conda:~/e', { kind: 'conda', name: '~/e' }, 'conda install -p ~/e -c conda-forge jupyterlab'],
  ['uv', { kind: 'uv' }, 'uv add jupyterlab'],
  ['poetry', { kind: 'poetry' }, 'poetry add jupyterlab'],
  ['pixi', { kind: 'pixi' }, 'pixi add jupyterlab'],
  [
    'module:python/3.11,cuda',
    { kind: 'module', names: ['python/3.11', 'cuda'] },
    'module load python/3.11 cuda && python3 -m pip install --user jupyterlab',
  ],
  [
    'podman:quay.io/me/ml:1',
    { kind: 'container', tool: 'podman', image: 'quay.io/me/ml:1' },
    'pip install jupyterlab',
  ],
  [
    'apptainer:~/my images/ml.sif',
    { kind: 'container', tool: 'apptainer', image: '~/my images/ml.sif' },
    'pip install jupyterlab',
  ],
];

for (const [word, environment, install] of FORMS) {
  test(`the environment "${word}" is a ${'kind' in environment ? environment.kind : ''}, into which one command installs Jupyter`, () => {
    assert.deepEqual(parseEnvironment(word), environment);
    assert.equal(installCommand(parseEnvironment(word)), install);
  });
}

test('an environment of an unknown kind, or without its name, is a mistake', () => {
  const modules = ['module:', 'module:a,', 'module:-x', 'module:a b'];
  const containers = ['podman:', 'podman:--privileged', 'docker:a b', 'apptainer:-x.sif'];
  for (const word of ['mamba:ml', 'conda:', ...modules, 'uv:x', ...containers]) {
    assert.throws(
      () => parseEnvironment(word),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.message, `unknown environment "${word}"`);
        assert.ok(error.remedy?.endsWith(`; for a folder of that name, write ./${word}`));
        return true;
      },
    );
  }
});
