import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { makeWorld, type World } from '../hosts/world.ts';
import { own } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import {
  autosshLacks,
  autosshTunnels,
  type OwnTunnels,
  ownTunnels,
  plainTunnels,
  type Tunnel,
} from './tunnels.ts';

/** What one and fifty tunnels cost: memory, and the time of `status`. */

const MANY = 50;
const STATUS = [1, 10, MANY] as const;
const OWN = 'remote-notebook';
const FLOOR = `… of that the same requests to ${MANY}, by a bare client that runs`;

export async function measureMany(rounds: number): Promise<Section[]> {
  const samples: Samples = new Map();
  const lacks = pssLacks() ?? autosshLacks();
  if (!lacks) await measureMemory(1, samples);
  const world = await makeWorld();
  try {
    const tunnels = await ownTunnels(world, MANY);
    // Before many questions go through them: ssh keeps the memory that those have cost, and the others get none.
    if (!lacks) addMemory(samples, OWN, 'keeper', tunnels.tunnels);
    const status = await measureStatus(rounds, world, tunnels);
    if (lacks) return [status, notMeasured(lacks)];
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

/** As many of the others', without ours: a page that processes share is counted among those that are there. */
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
  if (keepers.length > 0) add(samples, `… of that each ${waiting}, ${many}`, sum(keepers) / keepers.length);
}

function memorySection(samples: Samples): Section {
  const [ours, plain] = [`${MANY} tunnels of ${OWN}`, `${MANY} tunnels of \`ssh -N -L\``];
  const findings = [
    `${MANY} tunnels with their keepers have ${ratio(samples, ours, plain)} times the memory of as many plain \`ssh -N -L\`.`,
  ];
  return { title: 'Memory, with its part of what is shared (Pss)', unit: 'kB', samples, findings };
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
    await timed(samples, FLOOR, () => Promise.all(tunnels.map(({ port }) => askBarely(port, token))));
  }
  const title = 'Many servers, each with a tunnel of its own to one Jupyter';
  const findings = [
    `\`status\` of ${MANY} takes ${ratio(samples, name(MANY), name(1))} times as long as of one (${Math.round(median(samples, name(MANY)))} ms); the tunnels and the one Jupyter alone need ${Math.round(median(samples, FLOOR))} ms for its requests.`,
  ];
  return { title, unit: 'ms', samples, findings };
}

/** What `status` asks a server for, with nothing of HTTP's comforts: the time is the tunnel's and Jupyter's. */
function askBarely(port: number, token: string): Promise<void> {
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

function pssLacks(): string | undefined {
  try {
    pssKb(process.pid);
    return undefined;
  } catch {
    return 'only Linux tells what a process shares';
  }
}

/** What a process has, and its part of what it shares with others: the proportional set size. */
function pssKb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

function notMeasured(lacks: string): Section {
  return {
    title: 'Memory',
    unit: 'MB',
    samples: new Map(),
    findings: [`Memory was not measured: ${lacks}.`],
  };
}
