import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, before, test } from 'node:test';
import { without } from '../hosts/bare.ts';
import { notebookOf } from '../hosts/driver.ts';
import { failed } from '../hosts/failure.ts';
import { worldFor, worldPerFile } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { cache, PYTHON } from '../hosts/registry-venv.ts';
import { writeNotebook } from '../hosts/runs.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import { NO_JUPYTER_OF_TODAY, optionsOfToday, programOfToday } from '../hosts/today.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { writeJupyter } from '../hosts/venv.ts';
import { eventually } from '../hosts/world.ts';

/** `start --install`: what it makes on a host, what it leaves alone, and how it fails. */

const { environment } = optionsOfToday();
const world = await worldPerFile({ environment: { ...environment, PIP_CACHE_DIR: join(cache, 'pip') } });
const { laptop, home } = world;
const uv = join(home, '.local/bin/uv');
before(() => mkdirSync(join(home, '.local/bin'), { recursive: true }));
afterEach(async () => {
  await laptop.run('stop', '--yes');
  rmSync(uv, { force: true });
});

function directory(name: string): string {
  mkdirSync(join(home, name));
  return join(home, name);
}

function start(...args: readonly string[]) {
  return laptop.run('start', 'loopback', '{F}', '--no-browser', '--install', ...args);
}

test('start --install makes .venv with uv where the host has uv, and the second start installs nothing', {
  skip: NO_JUPYTER_OF_TODAY,
}, async () => {
  const folder = directory('new');
  symlinkSync(programOfToday('uv'), uv);
  const { code, stderr } = await start('-d', 'new');
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`! installed jupyterlab ipykernel in ${folder}/.venv\n`), stderr);
  assert.match(stderr, /^ {4}.*ipykernel/m);
  assert.ok(stderr.includes(`Cells run in ${folder}/.venv/bin/python`), stderr);
  await done(laptop, 'stop');
  const again = await start('-d', 'new');
  assert.equal(again.code, 0, again.stderr);
  assert.ok(again.stderr.includes(`JupyterLab and ipykernel are already installed in ${folder}/.venv\n`));
  assert.doesNotMatch(again.stderr, /! installed/);
});

test('run --install installs ipykernel alone in a venv that needs only that, and executes the notebook there', {
  skip: NO_JUPYTER_OF_TODAY,
}, async () => {
  const venv = join(directory('old'), 'env');
  symlinkSync(programOfToday('uv'), uv);
  execFileSync(PYTHON, ['-m', 'venv', '--without-pip', venv]);
  writeJupyter(join(venv, 'bin'), PYTHON);
  const notebook = writeNotebook(laptop, 'where.ipynb', notebookOf('import sys\nprint(sys.prefix)'));
  const words = ['run', notebook, 'loopback', '{F}', '-d', 'old', '-e', 'env', '--wait'];
  const refused = await laptop.run(...words);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /has jupyter_client, which a run needs\nAdd --install to install it/);
  const { code, stdout, stderr } = await laptop.run(...words, '--install');
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`! installed ipykernel in ${venv}\n`), stderr);
  assert.equal(stdout.trimEnd().split('\n').at(-1), venv);
  assert.equal(existsSync(join(venv, 'bin/jupyter-lab')), false);
});

test('a package index that is not reached fails with the words of pip, and leaves nothing', async () => {
  const folder = directory('offline');
  const message = await failed(
    world,
    await start('-d', 'offline', '--setup=export PIP_INDEX_URL=http://127.0.0.1:9/'),
  );
  assert.match(
    message,
    /^Error: cannot install JupyterLab in HOME\/offline\/\.venv on loopback:\n(?: {2}.*\n)*.*jupyterlab/,
  );
  assert.match(message, /\nThe host does not reach its package index\. .*PIP_INDEX_URL=…\n$/);
  assert.deepEqual(readdirSync(folder), []);
});

test('a full disk fails with its error, and leaves nothing', { skip: NO_ROOT }, async () => {
  const folder = directory('small');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k,mode=0700', 'tmpfs', folder]);
  try {
    const message = await failed(world, await start('-d', 'small'));
    assert.match(
      message,
      /Error: cannot create the venv HOME\/small\/\.venv on loopback:\n.*No space left on device/s,
    );
    assert.match(message, /\nJupyterLab needs about 300 MB\. /);
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});

test('a Python without the venv module fails with its message, and leaves nothing', {
  skip: NO_ROOT,
}, async (context) => {
  // As on a Debian without python3-venv.
  const other = await worldFor(context, { machine: without('/usr/lib/python3*/ensurepip') });
  mkdirSync(join(other.home, 'work'));
  const words = ['start', 'loopback', '{F}', '--no-browser', '--install', '-d', 'work'];
  const message = await failed(other, await other.laptop.run(...words));
  assert.match(
    message,
    /^Error: cannot create the venv HOME\/work\/\.venv on loopback:\n.*No module named ensurepip/,
  );
  assert.match(message, /\nIts Python has no venv module\. .*apt install python3-venv\)\. .*install uv/);
  assert.deepEqual(readdirSync(join(other.home, 'work')), []);
});

test('a folder that is not a venv is not touched', async () => {
  const data = join(directory('taken'), 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'precious'), '');
  const message = await failed(world, await start('-d', 'taken', '-e', 'data'));
  assert.match(message, /^Error: HOME\/taken\/data on loopback exists, but is not a venv/);
  assert.deepEqual(readdirSync(data), ['precious']);
});

test('an interrupted installation is removed', async () => {
  const folder = directory('cut');
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const running = laptop.start(
    ...['start', 'loopback', '{F}', '--no-browser', '--install', '-d', 'cut'],
    // This index accepts the connection, and never answers.
    `--setup=export PIP_INDEX_URL=http://127.0.0.1:${port}/ PIP_TIMEOUT=600`,
  );
  await once(silent, 'connection');
  running.signal('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 130, stderr);
  await eventually('the venv is removed', () => readdirSync(folder).length === 0);
  await nothingIsLeft(world);
  silent.close();
});

test('a venv that an interruption left unfinished is completed', { skip: NO_JUPYTER_OF_TODAY }, async () => {
  const venv = join(directory('half'), '.venv');
  execFileSync(PYTHON, ['-m', 'venv', '--without-pip', venv]);
  rmSync(join(venv, 'bin/activate'));
  writeJupyter(join(venv, 'bin'), PYTHON);
  symlinkSync(programOfToday('uv'), uv);
  const { code, stderr } = await start('-d', 'half');
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`! installed ipykernel in ${venv}\n`), stderr);
});

test('--requirements fails before anything is made if the directory names no packages', async () => {
  const folder = directory('plain');
  const message = await failed(world, await start('-d', 'plain', '--requirements'));
  assert.match(message, /^Error: there is neither a requirements\.txt nor a pyproject\.toml in HOME\/plain/);
  assert.deepEqual(readdirSync(folder), []);
});

test('--install refuses an environment that is not a venv, and --requirements needs --install', async () => {
  const conda = await stderrOf(2, laptop, 'start', 'loopback', '{F}', '--install', '-e', 'conda:ml');
  assert.match(
    conda,
    /--install makes a venv, and "conda:ml" is not the folder of one\nCreate it on the host: conda create/,
  );
  const alone = await stderrOf(2, laptop, 'start', 'loopback', '{F}', '--requirements');
  assert.match(alone, /--requirements has no effect without --install/);
});
