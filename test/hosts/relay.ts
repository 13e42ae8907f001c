import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from './sshd.ts';
import type { World } from './world.ts';

/** A way to a world's host that is as long as it is made: it holds all that passes for half a round trip. */
export interface Relay {
  readonly roundTripMs: number;
  /** Leads to the world's host by way of this relay. */
  readonly sshConfig: string;
  close(): void;
}

export async function makeRelay(world: World, roundTripMs: number): Promise<Relay> {
  const port = await freePort();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: world.sshd.port, noDelay: true });
    // A far TCP connection takes a round trip to be made, before which its client cannot write.
    const open = performance.now() + roundTripMs;
    hold(near, far, roundTripMs / 2, open);
    hold(far, near, roundTripMs / 2, open);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const sshConfig = join(world.sshd.folder, `ssh_config-${roundTripMs}`);
  const direct = readFileSync(world.sshd.sshConfig, 'utf8');
  writeFileSync(sshConfig, direct.replace(`Port ${world.sshd.port}`, `Port ${port}`), { mode: 0o600 });
  return { roundTripMs, sshConfig, close: () => server.close() };
}

/** Passes on what one side says, and its end, `delayMs` later and in the same order. */
function hold(from: Socket, to: Socket, delayMs: number, open: number): void {
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
  const later = (deed: () => void) => {
    queue.push({ due: Math.max(performance.now(), open) + delayMs, deed });
    if (queue.length === 1) next();
  };
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.once('close', () => later(() => to.end()));
  from.on('error', () => {});
}
