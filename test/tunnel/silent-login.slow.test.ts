import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { conversationOn } from '../hosts/conversation.ts';
import { makeKeeping } from '../hosts/keeping.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { done, started, statusOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { silentLogin } from '../hosts/silent-login.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { makeWorld } from '../hosts/world.ts';

/** Logins during which the host is silent for minutes: a confirmation on a phone, a security key, a slow directory service. */

const removals: (() => Promise<void>)[] = [];
after(async () => {
  for (const remove of removals) await remove();
});

const accepted = (log: string) => log.match(/Accepted publickey/g)?.length ?? 0;

const tries = (log: string) => log.match(/^Connection from/gm)?.length ?? 0;

describe('silent login', { concurrency: true, skip: NO_ROOT }, () => {
  for (const seconds of [30, 90, 170]) {
    test(`a first login that is silent for ${seconds} s is awaited, and the server starts`, async () => {
      const { silence, sshdConfig } = silentLogin();
      const world = await makeWorld({ sshdConfig });
      removals.push(() => world.remove());
      silence(seconds);
      const { jupyter } = await started(world.laptop, ...(await ownLocalPort()));
      assert.equal((await statusOf(world.laptop)).jupyter.pid, jupyter.pid);
      assert.equal(accepted(world.sshd.log()), 1);
      await done(world.laptop, 'stop');
    });

    test(`a login at a reconnect that is silent for ${seconds} s is awaited, once, and connections continue`, async () => {
      const { silence, sshdConfig } = silentLogin();
      const keeping = await makeKeeping({ sshdConfig });
      removals.push(() => keeping.remove());
      await keeping.request({ do: 'try' });
      await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
      const { say } = conversationOn(keeping.dial(), 400_000);
      await say('before');
      const begun = tries(keeping.sshd.log());
      silence(seconds);
      signalQuietly((await keeping.status()).ssh?.pid ?? 0, 'SIGKILL');
      await say('after');
      assert.equal(accepted(keeping.sshd.log()), 2);
      assert.equal(tries(keeping.sshd.log()), begun + 1);
    });
  }
});
