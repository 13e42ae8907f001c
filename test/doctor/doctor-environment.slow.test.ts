import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { configureJupyter } from '../hosts/configuration.ts';
import { diagnosis, fine, makeHealthy, only } from '../hosts/diagnosis.ts';
import { missing } from '../hosts/needs.ts';
import { ports } from '../hosts/sshd.ts';
import { programOnHost, standIn } from '../hosts/stand-ins.ts';
import { makeVenv } from '../hosts/venv.ts';
import type { World } from '../hosts/world.ts';

/** What doctor finds of environments on the host, of the Jupyter in them and of its configuration. */

let world: World;
beforeEach(async () => {
  world = await makeHealthy();
});
afterEach(() => world.remove());

test('a missing environment is reported', async () => {
  assert.match(
    await only(world, 'environment', 'failed', '-e', 'venv'),
    /it has no bin\/activate\n.*python3 -m venv/,
  );
});

test('a venv in the directory is used, one without Jupyter is not, and both are reported', async () => {
  makeVenv(join(world.home, '.venv'), { jupyter: false });
  assert.match(
    await only(world, 'environment', 'warning'),
    /^ignoring \.venv in the directory: it has no jupyter\nChoose one/,
  );
  makeVenv(join(world.home, 'venv'));
  rmSync(join(world.home, '.venv'), { recursive: true });
  assert.equal(await fine(world, 'environment'), 'using venv in the directory');
});

for (const end of ['', 'exit 1']) {
  test(`an activate script may use any name for its own variables${end && `, and ${end}`}`, async () => {
    makeVenv(join(world.home, 'venv'));
    const data = join(world.home, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'precious'), '');
    appendFileSync(join(world.home, 'venv/bin/activate'), `folder='${data}'\n${end}\n`);
    await diagnosis(world, '-e', 'venv');
    assert.deepEqual(readdirSync(data), ['precious']);
  });
}

test('a missing tool and a failing setup command are reported', async () => {
  assert.match(await only(world, 'environment', 'failed', '-e', 'pixi'), /^pixi was not found on loopback/);
  assert.match(
    await only(world, 'environment', 'failed', '--setup', 'echo no such thing; false'),
    /^a setup command failed on loopback: .*\nIt printed:\n {2}no such thing\nFix it/,
  );
});

test('variables that a start-up file or a setup command exports do not affect the checks', async () => {
  const root = join(world.home, 'miniforge3');
  standIn('conda', join(root, 'bin', 'conda'));
  makeVenv(join(root, 'envs', 'ml'));
  mkdirSync(join(root, 'envs', 'ml', 'conda-meta'));
  const precious = join(world.home, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'data'), 'mine');
  const names = ['folder', 'here', 'record', 'remote_notebook', 'environment', 'command', 'name', 'entered'];
  const codes = [
    'OWN',
    'CONDA',
    'CONDA_CODE',
    'LEAVE',
    'LEAVE_CODE',
    'CONDA_PLACES',
    'USUAL_PLACES',
    'SETUP',
  ];
  const line = `export ${[...names, ...codes].map((name) => `${name}='${precious}'`).join(' ')}`;
  const output = await fine(world, 'environment', '-e', 'conda:ml', '--setup', line);
  assert.equal(output, 'conda:ml');
  assert.match(await fine(world, 'jupyter', '-e', 'conda:ml', '--setup', line), /^jupyter (lab|notebook) \d/);
  assert.deepEqual(readdirSync(precious), ['data']);
});

test('a missing Jupyter is reported', async () => {
  assert.match(await only(world, 'jupyter', 'failed', '--command', 'jupiter lab'), /^jupiter was not found/);
});

test('a broken Jupyter is reported, and one without JupyterLab and notebook', async () => {
  programOnHost(world, 'jupyter', 'exit 1');
  assert.match(
    await only(world, 'jupyter', 'failed'),
    /neither JupyterLab nor the notebook is installed with .*jupyter on loopback/,
  );
  programOnHost(world, 'jupyter-lab', 'echo ImportError >&2', 'exit 1');
  const { checks } = await diagnosis(world, ...(await ports()));
  const jupyter = checks.find(({ name }) => name === 'jupyter');
  assert.deepEqual([jupyter?.verdict, jupyter?.found], ['failed', '"jupyter lab --version" prints nothing']);
});

test("a user's own wrapper is not run to get its version, since it may start something", async () => {
  programOnHost(world, 'mine', ': >"$HOME/started"', 'exec jupyter notebook "$@"');
  assert.match(await fine(world, 'jupyter', '--command', 'mine'), /^mine \(version not checked: /);
  assert.match(
    await fine(world, 'configuration', '--command', 'mine'),
    /^not checked: running mine might start something$/,
  );
  assert.equal(existsSync(join(world.home, 'started')), false);
});

test("settings in Jupyter's own configuration are reported, without secrets", async () => {
  const folder = configureJupyter(
    world.home,
    'c.App.password = "sha1:abc:def"',
    'c.App.base_url = "/mine"',
    'c.App.ip = "0.0.0.0"',
    'c.App.port = 9999',
  );
  const before = readdirSync(folder);
  const output = await only(world, 'configuration', 'warning');
  for (const word of ['sets a password', '/mine']) assert.ok(output.includes(word), output);
  // The arguments of a start override them.
  assert.doesNotMatch(output, /0\.0\.0\.0|9999/);
  assert.ok(!output.includes('sha1'));
  assert.deepEqual(readdirSync(folder), before);
});

test('every setting of Jupyter that affects a start is reported', {
  skip: missing('openssl'),
}, async () => {
  const [certificate, key, socket] = ['cert.pem', 'key.pem', 'mine.sock'].map((name) =>
    join(world.home, name),
  );
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x'];
  execFileSync('openssl', [...request, '-keyout', `${key}`, '-out', `${certificate}`], { stdio: 'ignore' });
  configureJupyter(
    world.home,
    `c.App.certfile = '${certificate}'`,
    `c.App.keyfile = '${key}'`,
    `c.App.sock = '${socket}'`,
    `c.App.notebook_dir = '${world.home}'`,
    "c.App.ip = '127.0.0.1'",
    "c.App.base_url = '/'",
  );
  const output = await only(world, 'configuration', 'warning');
  assert.match(output, /sets a certificate/);
  assert.doesNotMatch(output, /moves all pages/);
  assert.equal(existsSync(`${socket}`), false, 'nothing is left of its being asked');
});

test('a broken configuration of Jupyter is reported', async () => {
  const folder = configureJupyter(world.home, 'this is no Python');
  assert.match(
    await only(world, 'configuration', 'warning'),
    /^Jupyter cannot read its jupyter_\w+_config\.py( and \S+)*, and ignores it\nFix the file on the host/,
  );
  rmSync(folder, { recursive: true });
  // A value of the wrong type ends Jupyter.
  configureJupyter(world.home, 'c.App.base_url = 5');
  assert.match(
    await only(world, 'configuration', 'warning'),
    /^Jupyter does not print its configuration\n.*jupyter --show-config/,
  );
});
