import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { conversationOn } from '../hosts/conversation.ts';
import { type Keeping, makeKeeping } from '../hosts/keeping.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork, type Network } from '../hosts/network.ts';
import { signalTo } from '../hosts/signal.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually } from '../hosts/world.ts';

/** What a keeper does while its link is silent. At the same time: each takes as long as the heartbeat. */

const removals: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const remove of removals) await remove();
});

/** A keeper whose host is behind a link that can be cut, and a conversation through it. */
async function begin(): Promise<{ network: Network; keeping: Keeping; say(word: string): Promise<void> }> {
  const network = makeNetwork();
  const keeping = await makeKeeping({ machine: network });
  removals.push(
    () => keeping.remove(),
    () => network.remove(),
  );
  await keeping.request({ do: 'try' });
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  const { say } = conversationOn(keeping.dial());
  await say('before');
  return { network, keeping, say };
}

const is = (keeping: Keeping, phase: string) =>
  eventually(`it is ${phase}`, async () => (await keeping.status()).phase === phase);
const logins = ({ sshd }: Keeping) => sshd.log().match(/Accepted publickey/g)?.length ?? 0;

describe('silence', { concurrency: true, skip: NO_ROOT }, () => {
  test('a link that stays silent is replaced, and its connections continue', async () => {
    const { network, keeping, say } = await begin();
    const { ssh } = await keeping.status();
    network.cut();
    await is(keeping, 'reconnecting');
    assert.match((await keeping.status()).output ?? '', /does not respond|timed out/);
    // The address that the link had is gone, so it stays silent.
    network.roam();
    network.restore();
    await say('after');
    const after = await keeping.status();
    assert.equal(after.phase, 'connected');
    assert.notDeepEqual(after.ssh, ssh);
    await eventually('the former ssh has ended', () => !existsSync(`/proc/${ssh?.pid}/exe`));
  });

  test('a link that is silent for a while loses nothing, whichever ssh is the first to answer', async () => {
    const { network, keeping, say } = await begin();
    const { ssh } = await keeping.status();
    const before = logins(keeping);
    network.cut();
    await is(keeping, 'reconnecting');
    network.restore();
    await say('after');
    await is(keeping, 'connected');
    // The former ssh may be heard again while another one logs in, which is then given up.
    const isAnother = (await keeping.status()).ssh?.pid !== ssh?.pid;
    assert.ok(logins(keeping) >= before + (isAnother ? 1 : 0) && logins(keeping) <= before + 1);
  });

  test('a short silence causes no login', async () => {
    const { network, keeping, say } = await begin();
    const { ssh } = await keeping.status();
    network.cut();
    const said = say('meanwhile');
    // TCP repeats a packet after 0.2 s and then each time twice as late: at least once between this and 15 s.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    network.restore();
    await said;
    assert.deepEqual((await keeping.status()).ssh, ssh);
  });

  test('after a sleep, the keeper first asks whether the link works, and keeps it if it does', async () => {
    const { keeping, say } = await begin();
    const { ssh } = await keeping.status();
    process.kill(keeping.pid(), 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 18_000));
    process.kill(keeping.pid(), 'SIGCONT');
    await say('after');
    assert.deepEqual((await keeping.status()).ssh, ssh);
  });

  test('a login that takes 25 s at a reconnect is awaited, once, and the connections go on', async () => {
    const folder = makeFolder();
    const [wire, isSlow] = [join(folder, 'wire.py'), join(folder, 'slow')];
    writeFileSync(wire, SLOW_WIRE);
    const keeping = await makeKeeping({ sshConfig: [`ProxyCommand python3 ${wire} %h %p ${isSlow}`] });
    removals.push(() => keeping.remove());
    await keeping.request({ do: 'try' });
    await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
    const { say } = conversationOn(keeping.dial());
    await say('before');
    writeFileSync(isSlow, '');
    const before = logins(keeping);
    signalTo((await keeping.status()).ssh, 'SIGKILL');
    await say('after');
    assert.equal(logins(keeping), before + 1);
  });
});

/** A ProxyCommand that connects 25 s late if a file exists, as one that must wake a machine up. */
const SLOW_WIRE = `
import os, socket, sys, threading, time
host, port, slow = sys.argv[1:]
if os.path.exists(slow): time.sleep(25)
wire = socket.create_connection((host, int(port)))
def up():
    while True:
        data = os.read(0, 65536)
        if not data: break
        wire.sendall(data)
    wire.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while True:
    data = wire.recv(65536)
    if not data: break
    os.write(1, data)
`;
