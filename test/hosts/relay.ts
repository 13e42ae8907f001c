import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from './sshd.ts';
import type { World } from './world.ts';

/** A relay to the test host that makes it distant: it delays all data by half a round trip, and may limit their rate. */
export interface Relay {
  readonly roundTripMs: number;
  /** An ssh_config that reaches the test host through this relay. */
  readonly sshConfig: string;
  close(): void;
}

/** @param mbitPerS the rate of the link in each direction */
export async function makeRelay(
  world: World,
  roundTripMs: number,
  mbitPerS = Number.POSITIVE_INFINITY,
): Promise<Relay> {
  const port = await freePort();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: world.sshd.port, noDelay: true });
    // A distant TCP connection takes one round trip before its client can write.
    const open = performance.now() + roundTripMs;
    hold(near, far, roundTripMs / 2, open, mbitPerS);
    hold(far, near, roundTripMs / 2, open, mbitPerS);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const sshConfig = join(world.sshd.folder, `ssh_config-${roundTripMs}`);
  const direct = readFileSync(world.sshd.sshConfig, 'utf8');
  writeFileSync(sshConfig, direct.replace(`Port ${world.sshd.port}`, `Port ${port}`), { mode: 0o600 });
  return { roundTripMs, sshConfig, close: () => server.close() };
}

/** Passes on the data of one side, and its end, `delayMs` later and in the same order. */
function hold(from: Socket, to: Socket, delayMs: number, open: number, mbitPerS: number): void {
  /** When the link has taken all that came before. */
  let free = open;
  const queue: { due: number; deed: () => void }[] = [];
  const next = () => {
    const [first] = queue;
    if (!first) return;
    const left = first.due - performance.now();
    if (left > 0) {
      setTimeout(next, left);
      return;
    }
    queue.shift();
    first.deed();
    next();
  };
  const later = (bytes: number, deed: () => void) => {
    free = Math.max(performance.now(), free) + (bytes * 8) / 1000 / mbitPerS;
    queue.push({ due: free + delayMs, deed });
    if (queue.length === 1) next();
  };
  from.on('data', (chunk) => later(chunk.length, () => to.write(chunk)));
  from.once('close', () => later(0, () => to.end()));
  from.on('error', () => {});
}
