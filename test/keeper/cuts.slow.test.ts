import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { received } from '../hosts/conversation.ts';
import { makeKeeping } from '../hosts/keeping.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { eventually } from '../hosts/world.ts';

/** A link that is cut under a program that prints all the time. All at once: each takes as long as its cut. */

const removals: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const remove of removals) await remove();
});

const WAYS = { 'to a machine next door': false, 'behind routers': true };

describe('cuts', { concurrency: true, skip: NO_ROOT }, () => {
  for (const [way, isFar] of Object.entries(WAYS))
    for (const seconds of [5, 20, 90])
      test(`after a cut of ${seconds} s of the link ${way}, each line arrives once and in order`, async () => {
        const network = makeNetwork({ isFar });
        let written = 0;
        let printing: NodeJS.Timeout | undefined;
        let program: Socket | undefined;
        const keeping = await makeKeeping({
          machine: network,
          onConnection: (socket) => {
            program = socket;
            printing = setInterval(() => socket.write(`line ${written++}\n`), 100);
          },
        });
        removals.push(
          () => clearInterval(printing),
          () => keeping.remove(),
          () => network.remove(),
        );
        await keeping.request({ do: 'try' });
        await keeping.request({ do: 'apply', tunnels: [keeping.tunnel] });
        const page = keeping.dial();
        let shown = '';
        page.on('data', (chunk) => {
          shown += chunk;
        });
        const all = received(page);
        await eventually('lines arrive', () => shown.includes('line 9\n'));
        network.cut();
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        network.restore();
        const last = written;
        await eventually('what was written meanwhile is there', () => shown.includes(`line ${last}\n`));
        clearInterval(printing);
        program?.end();
        const lines = Array.from({ length: written }, (_, line) => `line ${line}\n`);
        assert.equal((await all).toString(), lines.join(''));
        assert.equal((await keeping.status()).phase, 'connected');
      });
});
