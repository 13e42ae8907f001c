import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { conversationOn } from '../hosts/conversation.ts';
import { type Keeping, makeKeeping } from '../hosts/keeping.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { eventually } from '../hosts/world.ts';

/** Hosts that turn us away for a minute: how often they are asked. At the same time, since each takes that minute. */

const removals: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const remove of removals) await remove();
});

const MINUTE_MS = 60_000;
/** The pauses are 1, 2, 4, 8, 16 and 30 s, or up to a quarter longer. */
const TRIES = 7;

interface Begun {
  readonly keeping: Keeping;
  say(word: string): Promise<void>;
}

/** A keeper with a conversation. */
async function begin(): Promise<Begun> {
  const keeping = await makeKeeping();
  removals.push(() => keeping.remove());
  await keeping.request({ do: 'try' });
  await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
  const { say } = conversationOn(keeping.dial());
  await say('before');
  return { keeping, say };
}

const killSsh = async (keeping: Keeping) => signalQuietly((await keeping.status()).ssh?.pid ?? 0, 'SIGKILL');
const aMinute = () => new Promise((resolve) => setTimeout(resolve, MINUTE_MS));

describe('refusals', { concurrency: true }, () => {
  test('an sshd that is down for a minute is asked at most seven times, and connections continue', async () => {
    const { keeping, say } = await begin();
    await keeping.sshd.stop();
    await killSsh(keeping);
    await aMinute();
    const { tries, output } = await keeping.status();
    assert.ok(tries >= 3 && tries <= TRIES, `${tries} tries`);
    assert.match(output ?? '', /Connection refused/);
    await keeping.sshd.start();
    await say('after');
  });

  /** @param mostTries in a minute in which the host closes each connection */
  async function closedForAMinute({ keeping, say }: Begun, mostTries: number): Promise<void> {
    await keeping.sshd.stop();
    let connections = 0;
    const closer = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => closer.listen(keeping.sshd.port, '127.0.0.1', resolve));
    await killSsh(keeping);
    await aMinute();
    assert.ok(connections >= 3 && connections <= mostTries, `${connections} tries`);
    await new Promise((resolve) => closer.close(resolve));
    await keeping.sshd.start();
    await say('after');
  }

  test('a host that closes each connection for a minute is asked at most seven times', async () =>
    closedForAMinute(await begin(), TRIES));

  test('a host that closes each connection is asked at most twice more while somebody watches the status', async () => {
    const begun = await begin();
    const watch = setInterval(() => void begun.keeping.request({ do: 'hurry' }).catch(() => {}), 2000);
    removals.push(() => clearInterval(watch));
    await closedForAMinute(begun, TRIES + 2);
  });

  test('a host that accepts connections and sends nothing gets more time at each try', async () => {
    const { keeping, say } = await begin();
    await keeping.sshd.stop();
    const begun: number[] = [];
    const silent = createServer((socket) => {
      begun.push(performance.now());
      socket.on('error', () => {}).resume();
    });
    await new Promise<void>((resolve) => silent.listen(keeping.sshd.port, '127.0.0.1', resolve));
    await killSsh(keeping);
    await aMinute();
    // 4, 15 and 60 s.
    assert.ok(begun.length >= 2 && begun.length <= 3, `${begun.length} tries`);
    assert.match((await keeping.status()).output ?? '', /timed out during banner exchange/);
    await new Promise((resolve) => silent.close(resolve));
    await keeping.sshd.start();
    await say('after');
  });

  test('a host that drops the connection after each login is tried only every 30 s in the end', async () => {
    const { keeping, say } = await begin();
    const logins = () => keeping.sshd.log().match(/Accepted publickey/g)?.length ?? 0;
    let dropped = logins() - 1;
    const drop = setInterval(() => {
      if (logins() === dropped) return;
      dropped = logins();
      for (const pid of connectionsOf(keeping.sshd.pid())) signalQuietly(pid, 'SIGKILL');
    }, 50);
    removals.push(() => clearInterval(drop));
    await eventually(
      'the next try is far away',
      async () => ((await keeping.status()).nextTryAt ?? 0) - Date.now() > 20_000,
      180_000,
      500,
    );
    assert.ok(logins() <= 21, `${logins()} logins`);
    clearInterval(drop);
    await keeping.request({ do: 'hurry' });
    await say('after');
  });
});

/** The processes of an sshd for its connections. */
function connectionsOf(sshd: number): number[] {
  // It fails if there are none any more.
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(sshd)], { encoding: 'utf8' });
  return stdout.split(/\s+/).filter(Boolean).map(Number);
}
