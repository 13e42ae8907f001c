import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type HostEnd, makeHostEnd, makeLink, serve } from '../hosts/host-end.ts';
import { makeKeeperEnd } from '../hosts/keeper-end.ts';
import { eventually } from '../hosts/world.ts';

/** Which links are taken for dead. All at the same time: each takes as long as the heartbeat. */

const SIZE = 66_000;
let server: Awaited<ReturnType<typeof serve>>;
let host: HostEnd;

before(async () => {
  // Writes when the first byte comes.
  server = await serve((socket) => void socket.once('data', () => socket.end(Buffer.alloc(SIZE))));
  host = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
});
after(async () => {
  await host.remove();
  await server.close();
});

function sizeOf(program: Socket): Promise<number> {
  let size = 0;
  program.on('data', ({ length }) => {
    size += length;
  });
  return new Promise((resolve, reject) => {
    program.once('end', () => resolve(size));
    program.once('close', () => reject(new Error('closed before its end')));
  });
}

describe('heartbeat', { concurrency: true }, () => {
  test('a link that falls silent is noticed after 15 s, and nothing is lost', async () => {
    const link = await makeLink(host.path);
    const keeper = await makeKeeperEnd(link.path);
    const program = keeper.dial();
    await eventually('there is a carrier', () => keeper.session.isAttached);
    link.freeze();
    const size = sizeOf(program);
    program.write('go');
    assert.equal(await size, SIZE);
    assert.deepEqual(keeper.losses, ['the link is silent']);
    await keeper.close();
    await link.close();
  });

  test('a slow link is kept, although one frame takes longer than the heartbeat', async () => {
    const link = await makeLink(host.path, 4000);
    const keeper = await makeKeeperEnd(link.path);
    const program = keeper.dial();
    const size = sizeOf(program);
    program.write('go');
    assert.equal(await size, SIZE);
    assert.deepEqual(keeper.losses, []);
    await keeper.close();
    await link.close();
  });

  test('a relay that is stopped is given up, and found again when it continues', async () => {
    const own = await makeHostEnd({ server: { port: server.port, hostname: '127.0.0.1' } });
    const keeper = await makeKeeperEnd(own.path);
    await eventually('there is a carrier', () => keeper.session.isAttached);
    process.kill(own.pid(), 'SIGSTOP');
    const program = keeper.dial();
    const size = sizeOf(program);
    program.write('go');
    await eventually('it is given up', () => keeper.losses.includes('the link is silent'));
    process.kill(own.pid(), 'SIGCONT');
    assert.equal(await size, SIZE);
    assert.deepEqual(keeper.ends, []);
    await keeper.close();
    await own.remove();
  });
});
