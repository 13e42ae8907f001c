import { execFileSync } from 'node:child_process';
import { makeRelay } from '../hosts/relay.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { own } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { GAP_MS, makeSource, type Source } from './source.ts';
import { type OwnTunnels, ownTunnels, plainTunnels, steadyPort } from './tunnels.ts';

/** Our tunnel beside a plain `ssh -N -L` to the same program on the host, in turns, over links of different length. */

const OWN = 'remote-notebook';
const PLAIN = '`ssh -N -L`';
const WAYS = [OWN, PLAIN] as const;
const MIB = 1 << 20;

/** A link, how much a transfer over it moves, and the number of round trips in a round. */
interface Place {
  /** The ending of the rows' names. */
  readonly name: string;
  readonly roundTripMs: number;
  readonly mbitPerS?: number;
  readonly mib: number;
  readonly trips: number;
}

const PLACES: readonly Place[] = [
  { name: ', loopback', roundTripMs: 0, mib: 128, trips: 100 },
  { name: ', 50 ms away at 200 Mbit/s', roundTripMs: 50, mbitPerS: 200, mib: 16, trips: 20 },
  { name: ', 150 ms away at 200 Mbit/s', roundTripMs: 150, mbitPerS: 200, mib: 16, trips: 10 },
];
const COLUMNS = PLACES.map(({ name }) => name);

export async function measureTunnel(rounds: number): Promise<Section[]> {
  const speeds: Samples = new Map();
  const trips: Samples = new Map();
  const pieces: Samples = new Map();
  const logins: Samples = new Map();
  const memory: Samples = new Map();
  for (const place of PLACES) {
    const world = await makeWorld();
    const relay = await makeRelay(world, place.roundTripMs, place.mbitPerS);
    const source = await makeSource();
    const sshConfig = place.mbitPerS === undefined ? world.sshd.sshConfig : relay.sshConfig;
    try {
      const ours = await ownTunnels(world, 1, sshConfig);
      if (place === PLACES[0]) measureMemory(world, ours, memory);
      const port = await steadyPort();
      await own(world.laptop.env, 'forward', 'host0', `${port}:127.0.0.1:${source.port}`);
      const plain = await plainTunnels(world, 1, source.port, sshConfig);
      const ports = [port, ...plain.tunnels.map((tunnel) => tunnel.port)];
      for (let round = 0; round < rounds; round++) {
        await measureLogin(place, ours, source, port, logins);
        for (const [index, way] of WAYS.entries()) {
          const to = ports[index] ?? 0;
          add(speeds, `down, ${way}${place.name}`, await source.receive(to, place.mib * MIB));
          add(speeds, `up, ${way}${place.name}`, await source.send(to, place.mib * MIB));
          for (const ms of await source.trips(to, place.trips)) add(trips, `${way}${place.name}`, ms);
          if (place === PLACES[0]) await timed(pieces, way, () => source.pieces(to));
        }
      }
      await plain.end();
    } finally {
      await world.remove();
      relay.close();
      source.close();
    }
  }
  return [
    speedSection(speeds),
    tripSection(trips),
    piecesSection(pieces),
    loginSection(logins),
    memorySection(memory),
  ];
}

/** Kills ssh, and measures the time from the next login until an open connection carries a byte again. */
async function measureLogin(
  { name }: Place,
  { tunnels }: OwnTunnels,
  source: Source,
  port: number,
  samples: Samples,
): Promise<void> {
  const [tunnel] = tunnels;
  if (!tunnel) throw new Error('there is no tunnel');
  const { trip, end } = await source.echo(port);
  await trip();
  process.kill(tunnel.ssh(), 'SIGKILL');
  await trip();
  add(samples, `the next byte of an open connection${name}`, Date.now() - tunnel.since());
  end();
}

/** The resident memory of the keeper and of the relay, in MB: pages that they share with other programs are included. */
function measureMemory(world: World, { tunnels }: OwnTunnels, samples: Samples): void {
  const ps = (...args: string[]) => execFileSync('ps', args, { encoding: 'utf8' }).trim();
  const relay = world
    .processes()
    .find((pid) => / relay\.py start |\/relay\.py start /.test(ps('-ww', '-o', 'args=', '-p', String(pid))));
  for (const [name, pid] of [
    ['keeper, on this machine', tunnels[0]?.keeper],
    ['relay, on the host', relay],
  ] as const)
    add(samples, name, Number(ps('-o', 'rss=', '-p', String(pid))) / 1000);
}

function speedSection(samples: Samples): Section {
  const part = (what: string) =>
    COLUMNS.map((name) => percent(samples, `${what}, ${OWN}${name}`, `${what}, ${PLAIN}${name}`) + name);
  const findings = ['down', 'up'].map(
    (what) => `Compared with \`ssh -N -L\`, the tunnel carries ${what}: ${part(what).join('; ')}.`,
  );
  return { title: 'One transfer through the tunnel', unit: 'MB/s', columns: COLUMNS, samples, findings };
}

function tripSection(all: Samples): Section {
  const samples: Samples = new Map();
  for (const [name, times] of all) {
    const sorted = [...times].sort((a, b) => a - b);
    add(samples, `median, ${name}`, median(all, name));
    add(samples, `99th percentile, ${name}`, sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN);
  }
  const part = (what: string) =>
    COLUMNS.map((name) => {
      const [ours, plain] = WAYS.map((way) => median(samples, `${what}, ${way}${name}`));
      return `${(Number(ours) - Number(plain)).toFixed(1)} ms${name}`;
    });
  const findings = ['median', '99th percentile'].map(
    (what) => `What the tunnel adds to the ${what}: ${part(what).join('; ')}.`,
  );
  return { title: '100 bytes there and back', unit: 'ms', columns: COLUMNS, samples, findings };
}

function piecesSection(samples: Samples): Section {
  const title = `A response in two small pieces, ${GAP_MS} ms apart`;
  const times = WAYS.map((way) => `${median(samples, way).toFixed(1)} ms through ${way}`);
  return { title, unit: 'ms', samples, findings: [`The two pieces take ${times.join(', and ')}.`] };
}

function loginSection(samples: Samples): Section {
  return {
    title: 'After `kill -9` of ssh: from the login of the next one',
    unit: 'ms',
    columns: COLUMNS,
    samples,
    findings: ['The login itself, which comes before, takes as long as that of any ssh.'],
  };
}

function memorySection(samples: Samples): Section {
  return {
    title: 'Memory of an idle tunnel',
    unit: 'MB',
    samples,
    findings: ['This is the resident memory, with the pages that other programs share.'],
  };
}

function percent(samples: Samples, one: string, other: string): string {
  return `${Math.round(Number(ratio(samples, one, other)) * 100)} %`;
}
