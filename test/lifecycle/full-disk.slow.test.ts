import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { keeperOf } from '../hosts/keeper.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { askJupyter, done, serverRecord, started, statusOf, stderrOf } from '../hosts/servers.ts';
import { signalTo } from '../hosts/signal.ts';
import { ports } from '../hosts/sshd.ts';
import { nothingIsLeft } from '../hosts/traces.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** A state folder that cannot be written: its disk, a small one of its own, is full or read-only. */

const needsMount = { skip: NO_ROOT };

let world: World;
let disk: string;
const filling = () => join(disk, 'filling');

beforeEach(async () => {
  world = await makeWorld();
  disk = world.laptop.env.XDG_STATE_HOME ?? '';
  mkdirSync(disk, { recursive: true });
  if (!needsMount.skip) mount('-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs');
});
afterEach(async () => {
  await world.laptop.run('stop', '--yes');
  if (!needsMount.skip) unmount();
  await world.remove();
});

function mount(...options: string[]): void {
  execFileSync('mount', [...options, disk]);
}

/** Lazily: a keeper may still have its log open there. */
function unmount(): void {
  execFileSync('umount', ['-l', disk]);
}

function makeReadOnly(): void {
  execFileSync('mount', ['--bind', disk, disk]);
  execFileSync('mount', ['-o', 'remount,ro,bind', disk]);
}

function fill(): void {
  assert.throws(() => writeFileSync(filling(), Buffer.alloc(1_000_000)), /ENOSPC/);
}

/** Takes each page that becomes free, until its end. */
function keepFull(): ChildProcess {
  const fill = `const file = require('fs').openSync(process.argv[1], 'a');
    for (;;) try { require('fs').writeSync(file, Buffer.alloc(4096)) } catch {}`;
  return spawn(process.execPath, ['-e', fill, filling()], { stdio: 'ignore' });
}

const status = () => statusOf(world.laptop);

async function refused(reason: RegExp, ...args: string[]): Promise<void> {
  const stderr = await stderrOf(1, world.laptop, ...args);
  assert.match(stderr, reason);
  assert.match(stderr, /\nCheck that \/.* is writable and that its disk is not full\.\n$/);
}

test('a start on a full disk reports it, and leaves nothing on either side', needsMount, async () => {
  fill();
  await refused(/^Error: cannot write \/.*: ENOSPC: no space left on device\n/, 'start', 'loopback', '{F}');
  await nothingIsLeft(world);
});

test(
  'a full disk affects no running server, and stop works again when there is space',
  needsMount,
  async () => {
    const { jupyter: server, tunnel } = await started(world.laptop, ...(await ports()));
    const { token } = serverRecord(world.laptop);
    fill();
    await refused(/cannot write \/.*\/(state\.json|forwards|purpose): ENOSPC/, 'forward', 'loopback', '6006');
    const { state, jupyter: same } = await status();
    assert.deepEqual([state, same.pid], ['connected', server.pid]);
    assert.ok(await askJupyter(tunnel.localPort, token, '/api/status'));
    await refused(/cannot write \/.*\/(state\.json|forwards|purpose): ENOSPC/, 'stop', '--yes');
    rmSync(filling());
    await done(world.laptop, 'stop', '--yes');
    await nothingIsLeft(world);
  },
);

test(
  'a connection that is lost while the disk is full comes back on its port, with the same keeper',
  needsMount,
  async () => {
    const { jupyter: server, tunnel } = await started(world.laptop, ...(await ports()));
    const { token } = serverRecord(world.laptop);
    const before = keeperOf(world.laptop);
    const filler = keepFull();
    try {
      await eventually('the disk is full', () => statfsSync(disk).bfree === 0);
      signalTo(before.ssh, 'SIGKILL');
      await eventually('the server answers', () =>
        askJupyter(tunnel.localPort, token, '/api/status').then(Boolean, () => false),
      );
      await world.laptop.run('status');
      assert.deepEqual(keeperOf(world.laptop).keeper, before.keeper);
    } finally {
      filler.kill('SIGKILL');
      await once(filler, 'exit');
    }
    rmSync(filling());
    const again = await started(world.laptop);
    assert.deepEqual([again.jupyter.pid, again.tunnel.localPort], [server.pid, tunnel.localPort]);
    await done(world.laptop, 'stop', '--yes');
    await nothingIsLeft(world);
  },
);

test('every verb that writes reports a read-only disk, and status keeps working', needsMount, async () => {
  const { jupyter: server } = await started(world.laptop, ...(await ports()));
  makeReadOnly();
  try {
    for (const verb of ['start', 'stop', 'forward'])
      await refused(
        /: EROFS: read-only file system\n/,
        verb,
        'loopback',
        '{F}',
        ...(verb === 'start' ? ['--name', 'other'] : []),
      );
    const { state, jupyter: same } = await status();
    assert.deepEqual([state, same.pid], ['connected', server.pid]);
  } finally {
    unmount();
  }
});

test(
  'a connection that is lost while the disk is read-only comes back when the disk is writable again',
  needsMount,
  async () => {
    const { jupyter: server, tunnel } = await started(world.laptop, ...(await ports()));
    const before = keeperOf(world.laptop);
    makeReadOnly();
    try {
      signalTo(before.ssh, 'SIGKILL');
      await eventually('status sees it', async () => (await status()).state === 'reconnecting');
    } finally {
      unmount();
    }
    await eventually('it is back', async () => (await status()).state === 'connected');
    assert.deepEqual(keeperOf(world.laptop).keeper, before.keeper);
    const { jupyter: same, tunnel: again } = await status();
    assert.deepEqual([same.pid, again.localPort], [server.pid, tunnel.localPort]);
  },
);
