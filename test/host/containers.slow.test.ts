import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  makeFileSystem,
  makePodman,
  NO_IMAGE,
  NO_PODMAN,
  type Podman,
} from '../hosts/containers/containers.ts';
import { failureIn, startWords, workOf } from '../hosts/environments.ts';
import { execute, openSession } from '../hosts/kernels.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, type Shown, serverRecord, statusOf } from '../hosts/servers.ts';
import { standInOnHost } from '../hosts/stand-ins.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/**
 * Servers in containers. podman is real; docker and apptainer are stand-ins that really run Jupyter in a file system of its
 * own (see test/hosts/stand-ins). The Python of the image has a module that this machine's does not have.
 */

let image: string;
before(() => {
  if (!NO_IMAGE) image = makeFileSystem();
});

async function startedIn(world: World, environment: string, ...more: readonly string[]): Promise<Shown> {
  const words = [...startWords(world, environment), ...more];
  return JSON.parse(await done(world.laptop, ...words));
}

/** Runs a cell that writes a file to the directory of the server, and returns what only the image's Python can write. */
async function cellOf(world: World, shown: Shown): Promise<string> {
  const file = join(workOf(world), 'cell');
  rmSync(file, { force: true });
  const kernel = await openSession(world.laptop, shown, 'cell.ipynb');
  const { folder } = serverRecord(world.laptop);
  const code = 'import of_the_image\nwith open("cell", "w") as file: file.write(of_the_image.WHERE)';
  execute(world, kernel, code, folder);
  await eventually('the cell has run', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  return readFileSync(file, 'utf8');
}

/** Every argument list on this machine that contains the token of the server. */
function argumentsWithToken(world: World): string[] {
  const { token } = serverRecord(world.laptop);
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line.includes(token));
}

describe('podman', { skip: NO_PODMAN }, () => {
  let podman: Podman;
  let world: World;
  before(async () => {
    podman = makePodman();
    podman.import(image, 'with-jupyter');
    world = await makeWorld({ environment: podman.environment });
  });
  after(async () => {
    await world?.remove();
    podman?.remove();
  });

  /** podman removes a container a moment after its last process has ended. */
  const noContainerIsLeft = () =>
    eventually('no container is left', () => podman.run('ps', '--all', '--quiet') === '');

  async function stopped(): Promise<string> {
    const { outcome } = JSON.parse(await done(world.laptop, 'stop', '--json'));
    await nothingIsLeft(world);
    await noContainerIsLeft();
    return outcome;
  }

  test('a server in a container runs cells in the Python of the image, and is shown, restarted and stopped like any other', async () => {
    const shown = await startedIn(world, 'podman:with-jupyter', '--command', 'jupyter server');
    assert.ok(shown.jupyter.socket, 'it listens on a private socket');
    assert.equal((await fetch((await done(world.laptop, 'open', '--print')).trim())).status, 200);
    assert.equal(await cellOf(world, shown), 'in the image');
    assert.deepEqual(argumentsWithToken(world), []);
    const { jupyter, tunnel } = await statusOf(world.laptop);
    assert.deepEqual([jupyter.state, jupyter.pid, tunnel.resumes], ['running', shown.jupyter.pid, true]);
    assert.match(await done(world.laptop, 'logs'), /Kernel started: /);
    const after = JSON.parse(await done(world.laptop, 'restart', '--yes', '--json'));
    assert.notEqual(after.jupyter.pid, shown.jupyter.pid);
    assert.equal(podman.run('ps', '--quiet').trim().split('\n').length, 1);
    assert.equal(await cellOf(world, after), 'in the image');
    assert.equal(await stopped(), 'shutdown');
  });

  test('a server whose container was removed by hand is gone, and starts again', async () => {
    const first = await startedIn(world, 'podman:with-jupyter');
    assert.equal(first.jupyter.command, 'jupyter notebook', 'it is found in the image');
    podman.run('rm', '--all', '--force');
    await eventually(
      'the server is gone',
      async () => (await statusOf(world.laptop)).jupyter.state !== 'running',
    );
    const second = await startedIn(world, 'podman:with-jupyter');
    assert.notEqual(second.jupyter.pid, first.jupyter.pid);
    await stopped();
  });

  test('doctor looks into the image, and leaves no container', async () => {
    const words = [
      'doctor',
      'loopback',
      '{F}',
      '--environment',
      'podman:with-jupyter',
      '--directory',
      workOf(world),
    ];
    const { stdout } = await world.laptop.run(...words);
    assert.match(stdout, /6\.4\.\d+/);
    await noContainerIsLeft();
  });

  test('a start that takes too long is stopped, and leaves no container', async () => {
    const words = ['--command', 'python3 -c "import time; time.sleep(1000)" #', '--timeout', '3'];
    assert.match(await failureIn(world, 'podman:with-jupyter', ...words), /within 3 s, and was stopped/);
    await noContainerIsLeft();
  });

  test('an image that is not on the host fails with the words of podman and the command that gets it', async () => {
    assert.equal(
      await failureIn(world, 'podman:absent:1'),
      `Error: podman on loopback cannot run the image of "podman:absent:1". It printed:
  Error: inspecting object: absent:1: image not known
The image must be on the host before a start. Get it there, or check its name: podman pull absent:1
`,
    );
  });

  test('an image without Jupyter fails with what to add to it, and leaves no container', async () => {
    const bare = join(image, '..', 'bare');
    for (const name of ['usr/bin', 'usr/lib', 'usr/lib64']) mkdirSync(join(bare, name), { recursive: true });
    for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(bare, name));
    for (const name of ['usr/bin/dash', 'usr/bin/sh', 'usr/lib/x86_64-linux-gnu', 'usr/lib64'])
      if (name.endsWith('gnu')) spawnSync('cp', ['-a', join(image, name), join(bare, 'usr/lib')]);
      else cpSync(join(image, name), join(bare, name), { recursive: true, verbatimSymlinks: true });
    podman.import(bare, 'bare');
    assert.equal(
      await failureIn(world, 'podman:bare'),
      `Error: the image of "podman:bare" on loopback has no JupyterLab and no notebook on its PATH
Build an image with it, for example with this line in its Containerfile: RUN pip install jupyterlab
`,
    );
    await noContainerIsLeft();
  });

  test('on a host without Python, the relay runs in the container', async (context) => {
    const enter = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mount --bind /dev/null "$(readlink -f /usr/bin/python3)"; exec "$@"',
      'sh',
    ];
    const bare = await makeWorld({
      environment: podman.environment,
      machine: { address: '127.0.0.1', enter },
    });
    context.after(() => bare.remove());
    const shown = await startedIn(bare, 'podman:with-jupyter', '--command', 'jupyter server');
    assert.equal((await statusOf(bare.laptop)).tunnel.resumes, true);
    assert.equal((await fetch(`${shown.url}api/status`)).status, 403);
    await done(bare.laptop, 'stop');
    await nothingIsLeft(bare);
    await noContainerIsLeft();
  });
});

/** What the stand-in of each tool calls the image, and an option by which it shows the GPUs. */
const STAND_INS = {
  docker: [(world: World) => join(world.home, 'images', 'ml'), 'ml', '--gpus=all'],
  apptainer: [(world: World) => join(workOf(world), 'ml.sif'), 'ml.sif', '--nv'],
} as const;

for (const [tool, [place, name, gpuOption]] of Object.entries(STAND_INS)) {
  test(`${tool} runs a server that sees the GPUs, and stops with its container`, {
    skip: NO_IMAGE,
  }, async (context) => {
    const world = await makeWorld();
    context.after(() => world.remove());
    for (const each of [tool, 'nvidia-smi'] as ('docker' | 'nvidia-smi')[]) standInOnHost(world, each);
    writeFileSync(join(world.home, 'bin', 'nvidia-container-runtime'), '#!/bin/sh\n', { mode: 0o755 });
    mkdirSync(join(place(world), '..'), { recursive: true });
    symlinkSync(image, place(world));
    const shown = await startedIn(world, `${tool}:${name}`, '--command', 'jupyter server');
    assert.ok(shown.jupyter.socket);
    assert.equal(await cellOf(world, shown), 'in the image');
    assert.deepEqual(argumentsWithToken(world), []);
    assert.ok(readFileSync(join(world.home, `${tool}-calls`), 'utf8').includes(` ${gpuOption} `));
    assert.ok(commandLineOf(shown.jupyter.pid).includes('jupyter'));
    await done(world.laptop, 'stop');
    await nothingIsLeft(world);
  });
}

/** The words of docker 28 without a right to its daemon, and without a daemon, and the remedy. */
const DAEMON = {
  'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock':
    'Your account may not use the daemon of docker there: ask an administrator to add it to the group docker. podman needs no daemon: --environment podman:ml',
  'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?':
    'The daemon of docker is not running there: ask an administrator to start it. podman needs no daemon: --environment podman:ml',
};

test('a daemon of docker that refuses, and an image that is not a file, fail with a remedy of their own', {
  skip: NO_IMAGE,
}, async (context) => {
  const world = await makeWorld();
  context.after(() => world.remove());
  standInOnHost(world, 'docker');
  standInOnHost(world, 'apptainer');
  for (const [words, remedy] of Object.entries(DAEMON)) {
    writeFileSync(join(world.home, 'daemon'), words);
    assert.equal(
      await failureIn(world, 'docker:ml'),
      `Error: docker on loopback cannot run the image of "docker:ml". It printed:\n  ${words}\n${remedy}\n`,
    );
  }
  assert.match(
    await failureIn(world, 'apptainer:~/absent.sif'),
    /Failed to open image HOME\/absent\.sif.*\nThe image must be on the host before a start\. .*: apptainer pull ~\/absent\.sif docker:\/\/NAME\n$/s,
  );
});
