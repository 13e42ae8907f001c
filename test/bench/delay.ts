import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../hosts/sshd.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { ratio, type Samples, type Section } from './samples.ts';
import { ARTICLE, article, oneNotebook } from './verbs.ts';

/** The same verbs on a host that is far away: a relay in front of sshd holds all that passes for half a round trip. */

const ROUND_TRIPS_MS = [0, 30, 150] as const;
const FAR_MS = 150;

export async function measureDelays(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const world = await makeWorld();
  const relays = await Promise.all(ROUND_TRIPS_MS.map((ms) => makeRelay(world, ms)));
  try {
    for (let count = 0; count < rounds; count++) {
      for (const { sshConfig, roundTripMs } of relays) {
        await oneNotebook(world, sshConfig, samples, at(roundTripMs));
        await article(world, sshConfig, samples, at(roundTripMs));
      }
    }
  } finally {
    await world.remove();
    for (const { close } of relays) close();
  }
  const findings = [
    `Round trips, from what ${FAR_MS} ms of each add to the fastest round: ${['`start`', '`start` that joins', '`stop`', ARTICLE].map((name) => `${name} ${roundTrips(samples, name)}`).join(', ')}.`,
    `At ${FAR_MS} ms a \`start\` takes ${ratio(samples, `\`start\`${at(FAR_MS)}`, ARTICLE + at(FAR_MS))} times as long as the article's commands.`,
  ];
  return [{ title: 'A host that is far away', unit: 'ms', samples: sorted(samples), findings }];
}

const at = (roundTripMs: number) => `, ${roundTripMs} ms away`;

/** One verb's distances below each other. */
function sorted(samples: Samples): Samples {
  const verb = (name: string) => name.slice(0, name.lastIndexOf(','));
  const verbs = [...new Set([...samples.keys()].map(verb))];
  return new Map(verbs.flatMap((one) => [...samples].filter(([name]) => verb(name) === one)));
}

function roundTrips(samples: Samples, name: string): string {
  // The fastest rounds: what disturbs the machine only ever adds.
  const fastest = (distance: number) => Math.min(...(samples.get(name + at(distance)) ?? []));
  return ((fastest(FAR_MS) - fastest(0)) / FAR_MS).toFixed(1);
}

interface Relay {
  readonly roundTripMs: number;
  /** Leads to the world's host by way of this relay. */
  readonly sshConfig: string;
  close(): void;
}

async function makeRelay(world: World, roundTripMs: number): Promise<Relay> {
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
