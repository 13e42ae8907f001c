import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { keeperSocket } from '../../src/keeper/control.ts';
import { conversationOn, exchangeWith, received } from '../hosts/conversation.ts';
import { away, type Keeping, makeKeeping } from '../hosts/keeping.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { descendantsOf, openFiles, peakMemory } from '../hosts/proc.ts';
import { signalQuietly, signalTo } from '../hosts/signal.ts';
import { eventually } from '../hosts/world.ts';

/** What a keeper gets over by itself. */

let keeping: Keeping;

async function begin(): Promise<Keeping> {
  const begun = await makeKeeping({ onConnection: serve });
  await begun.request({ do: 'try' });
  await begun.request({ do: 'apply', tunnels: [begun.tunnel] });
  return begun;
}

const MUCH = 64 << 20;

/** A server that sends much when it is asked for, and otherwise echoes. */
function serve(socket: Socket): void {
  socket.once('data', (first) => {
    if (first.toString() === 'much') return void socket.end(Buffer.alloc(MUCH));
    socket.write(first);
    socket.pipe(socket);
  });
}

const endOf = (pid: number) => eventually(`process ${pid} has ended`, () => !existsSync(`/proc/${pid}/exe`));

describe('with one keeper', { skip: NO_PROC }, () => {
  before(async () => {
    keeping = await begin();
  });
  after(() => keeping.remove());
  beforeEach(() => exchangeWith(keeping.dial(), 1000));

  test('commands that are killed before they have sent a request leave no file open', async () => {
    await keeping.status();
    const files = openFiles(keeping.pid());
    for (let turn = 0; turn < 30; turn++) {
      const socket = connect(keeperSocket(keeping));
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.destroy();
    }
    await eventually('no more files are open than before', () => openFiles(keeping.pid()) <= files);
  });

  test('a keeper whose socket was removed can be asked again, and its connections go on', async () => {
    const { say, socket } = conversationOn(keeping.dial());
    await say('before');
    rmSync(keeperSocket(keeping));
    await eventually('it listens again', () => existsSync(keeperSocket(keeping)));
    assert.equal((await keeping.status()).phase, 'connected');
    await say('after');
    socket.destroy();
  });

  test('a forwarded socket that was removed is made again when it is needed', async () => {
    const { ssh } = await keeping.status();
    const sockets = readdirSync(keeping.folder).filter((name) => /^f\d+-\d+$/.test(name));
    assert.ok(sockets.length > 0);
    for (const name of sockets) rmSync(join(keeping.folder, name));
    const relay = keeping.host.pid();
    process.kill(relay, 'SIGKILL');
    await eventually(
      'there is another relay',
      () => existsSync(keeping.host.path) && keeping.host.pid() !== relay,
    );
    await eventually('it is used', async () => (await keeping.status()).up.length > 0);
    assert.deepEqual((await keeping.status()).ssh, ssh);
  });

  test('much that passes takes less than 75 MB of memory in one connection, and less than 90 MB in sixteen', async () => {
    const down = async () => {
      const program = keeping.dial();
      program.write('much');
      let size = 0;
      program.on('data', ({ length }) => {
        size += length;
      });
      await new Promise((resolve) => program.once('end', resolve));
      program.end();
      assert.equal(size, MUCH);
    };
    await down();
    await exchangeWith(keeping.dial(), MUCH / 4);
    // Without the early collections of garbage.ts, this takes 86 MB.
    const inOne = peakMemory(keeping.pid());
    assert.ok(inOne < 75_000, `${inOne} kB`);
    // While their readers are slow, as on a busy machine, all windows together hold 12 MB instead of 4.
    await Promise.all(Array.from({ length: 16 }, () => exchangeWith(keeping.dial(), MUCH / 64)));
    const inAll = peakMemory(keeping.pid());
    assert.ok(inAll < 90_000, `${inAll} kB`);
  });

  test('more connections than a tunnel takes are closed while the link is away, and the others wait', async () => {
    const files = openFiles(keeping.pid());
    await keeping.sshd.stop();
    signalTo((await keeping.status()).ssh, 'SIGKILL');
    await away(keeping);
    let closed = 0;
    const waiting = Array.from({ length: 300 }, () => keeping.dial().once('close', () => closed++));
    for (const program of waiting) program.write('x');
    await eventually('those above 256 are closed', () => closed === 44);
    const { say } = conversationOn(waiting.find(({ closed }) => !closed) ?? keeping.dial());
    const said = say('after');
    await keeping.sshd.start();
    await keeping.request({ do: 'try' });
    await said;
    for (const program of waiting) program.destroy();
    await eventually('nothing is left of them', () => openFiles(keeping.pid()) <= files);
  });

  test('a link that falls silent right after its login is replaced', async () => {
    // What was open is of no use here: only a new carrier is asked for.
    await keeping.request({ do: 'apply', tunnels: [] });
    const { ssh } = await keeping.status();
    for (const pid of descendantsOf(keeping.sshd.pid())) signalQuietly(pid, 'SIGSTOP');
    void keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
    await eventually(
      'there is another ssh',
      async () => {
        const now = await keeping.status();
        return now.up.length > 0 && now.ssh?.pid !== ssh?.pid;
      },
      60_000,
    );
  });
});

test('a keeper whose folder was removed ends with its ssh, and its port is free', {
  skip: NO_PROC,
}, async () => {
  const own = await begin();
  const { ssh } = await own.status();
  rmSync(own.folder, { recursive: true });
  await endOf(own.pid());
  await endOf(ssh?.pid ?? 0);
  await assert.rejects(received(own.dial()), /closed/);
  await own.remove();
});
