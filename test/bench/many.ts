import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { makeWorld, type World } from '../hosts/world.ts';
import { own } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import {
  autosshMissing,
  autosshTunnels,
  type OwnTunnels,
  ownTunnels,
  plainTunnels,
  type Tunnel,
} from './tunnels.ts';

/** The memory of one and of ten tunnels, and the time of `status` with them. A relay has at most sixteen. */

const MANY = 10;
const STATUS = [1, MANY] as const;
const OWN = 'remote-notebook';
const FLOOR = `the requests of \`status\` to ${MANY} servers, sent by a bare client`;

export async function measureMany(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const missing = pssMissing() ?? autosshMissing();
  if (!missing) await measureMemory(1, samples);
  const world = await makeWorld();
  try {
    const tunnels = await ownTunnels(world, MANY);
    // Memory comes first: ssh keeps what many requests have cost it, and the other tunnels get no requests.
    if (!missing) addMemory(samples, OWN, 'keeper', tunnels.tunnels);
    const status = await measureStatus(rounds, world, tunnels);
    if (missing) return [status, notMeasured(missing)];
    await measureOthers(world, tunnels, samples);
    return [status, memorySection(samples)];
  } finally {
    await world.remove();
  }
}

async function measureMemory(count: number, samples: Samples): Promise<void> {
  const world = await makeWorld();
  try {
    const tunnels = await ownTunnels(world, count);
    addMemory(samples, OWN, 'keeper', tunnels.tunnels);
    await measureOthers(world, tunnels, samples);
  } finally {
    await world.remove();
  }
}

/** Measures as many tunnels of the others after ours have ended, since Pss divides shared pages among all processes. */
async function measureOthers(world: World, ours: OwnTunnels, samples: Samples): Promise<void> {
  const { targetPort, tunnels } = ours;
  const count = tunnels.length;
  await ours.end();
  for (const [name, make] of [
    ['`ssh -N -L`', plainTunnels],
    ['`autossh -M 0`', autosshTunnels],
  ] as const) {
    const others = await make(world, count, targetPort);
    addMemory(samples, name, 'autossh', others.tunnels);
    await others.end();
  }
}

function addMemory(samples: Samples, name: string, waiting: string, tunnels: readonly Tunnel[]): void {
  const sum = (pids: readonly number[]) => pids.reduce((total, pid) => total + pssKb(pid), 0);
  const keepers = tunnels.flatMap(({ keeper }) => keeper ?? []);
  const many = tunnels.length === 1 ? '1 tunnel' : `${tunnels.length} tunnels`;
  add(samples, `${many} of ${name}`, sum([...keepers, ...tunnels.map(({ ssh }) => ssh())]));
  if (keepers.length > 0) add(samples, `each ${waiting} of these ${many}`, sum(keepers) / keepers.length);
}

function memorySection(samples: Samples): Section {
  const [ours, plain] = [`${MANY} tunnels of ${OWN}`, `${MANY} tunnels of \`ssh -N -L\``];
  const findings = [
    `${MANY} tunnels with their keepers use ${ratio(samples, ours, plain)} times as much memory as ${MANY} plain \`ssh -N -L\`.`,
  ];
  return {
    title: 'Memory (Pss: shared pages are divided among the processes that share them)',
    unit: 'kB',
    samples,
    findings,
  };
}

async function measureStatus(
  rounds: number,
  { laptop }: World,
  { know, token, tunnels }: OwnTunnels,
): Promise<Section> {
  const samples: Samples = new Map();
  const name = (count: number) => `\`status\` of ${count}`;
  for (let round = 0; round < rounds; round++) {
    for (const count of STATUS) {
      know(count);
      const shown = await timed(samples, name(count), () => own(laptop.env, 'status', '--json'));
      const up = JSON.parse(shown).servers.filter((one: { state: string }) => one.state === 'connected');
      if (up.length !== count) throw new Error(`${up.length} of ${count} are connected: ${shown}`);
    }
    await timed(samples, FLOOR, () => Promise.all(tunnels.map(({ port }) => requestBarely(port, token))));
  }
  const title = 'Many tunnels, all to one Jupyter';
  const findings = [
    `\`status\` of ${MANY} takes ${ratio(samples, name(MANY), name(1))} times as long as of one (${Math.round(median(samples, name(MANY)))} ms); a bare client needs ${Math.round(median(samples, FLOOR))} ms for the same requests.`,
  ];
  return { title, unit: 'ms', samples, findings };
}

/** Sends the request of `status` over a bare socket, so that the time is that of the tunnel and of Jupyter. */
function requestBarely(port: number, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const head = ['GET /api/kernels?no_track_activity=1 HTTP/1.1', `Host: 127.0.0.1:${port}`];
    const socket = connect(port, '127.0.0.1', () =>
      socket.write([...head, `Authorization: token ${token}`, '', ''].join('\r\n')),
    );
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (!answer.endsWith('\r\n\r\n[]')) return;
      socket.destroy();
      if (answer.startsWith('HTTP/1.1 200 ')) resolve();
      else reject(new Error(answer));
    });
    socket.once('error', reject);
  });
}

function pssMissing(): string | undefined {
  try {
    pssKb(process.pid);
    return undefined;
  } catch {
    return 'only Linux reports how much memory processes share';
  }
}

/** The memory of a process with its part of the shared pages: the proportional set size, in kB. */
function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

function notMeasured(missing: string): Section {
  return {
    title: 'Memory',
    unit: 'MB',
    samples: new Map(),
    findings: [`Memory was not measured: ${missing}.`],
  };
}
