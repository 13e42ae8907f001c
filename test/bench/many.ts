import { readFileSync } from 'node:fs';
import { makeWorld } from '../hosts/world.ts';
import { own } from './run.ts';
import { add, median, ratio, type Samples, type Section, timed } from './samples.ts';
import { autosshLacks, autosshTunnels, ownTunnels, plainTunnels, type Tunnel } from './tunnels.ts';

/** What one and fifty tunnels cost: memory, and the time of `status`. */

const MANY = 50;
const STATUS = [1, 10, MANY] as const;

export async function measureMany(rounds: number): Promise<Section[]> {
  return [await measureMemory(rounds)].flat();
}

async function measureMemory(rounds: number): Promise<Section[]> {
  const world = await makeWorld();
  try {
    const { tunnels, targetPort, know } = await ownTunnels(world, MANY);
    const status = await measureStatus(rounds, know, (...args) => own(world.laptop.env, ...args));
    const lacks = pssLacks() ?? autosshLacks();
    if (lacks) return [status, notMeasured(lacks)];
    const samples: Samples = new Map();
    const total = (name: string, pids: readonly number[]) =>
      add(samples, name, pids.reduce((sum, pid) => sum + pssKb(pid), 0) / 1024);
    const keepers = tunnels.map(({ keeper }) => keeper ?? 0);
    total(`${MANY} tunnels, their keepers and ssh`, [...keepers, ...tunnels.map(({ ssh }) => ssh())]);
    total(`… the keepers alone`, keepers);
    // Whose memory is counted shares it with its like alone: the others are gone.
    know(MANY);
    await own(world.laptop.env, 'stop', '--all', '--keep-server');
    for (const [name, make] of [
      [`${MANY} of \`ssh -N -L\``, plainTunnels],
      [`${MANY} of \`autossh -M 0\` and their ssh`, autosshTunnels],
    ] as const) {
      const others = await make(world, MANY, targetPort);
      total(name, others.tunnels.flatMap(pids));
      const waiting = others.tunnels.flatMap(({ keeper }) => keeper ?? []);
      if (waiting.length > 0) total('… the autosshs alone', waiting);
      await others.end();
    }
    return [status, { title: 'Memory (Pss)', unit: 'MB', samples, findings: [] }];
  } finally {
    await world.remove();
  }
}

const pids = (tunnel: Tunnel) => [tunnel.ssh(), ...(tunnel.keeper === undefined ? [] : [tunnel.keeper])];

async function measureStatus(
  rounds: number,
  know: (count: number) => void,
  run: (...args: string[]) => Promise<string>,
): Promise<Section> {
  const samples: Samples = new Map();
  const name = (count: number) => `\`status\` of ${count}`;
  for (let round = 0; round < rounds; round++) {
    for (const count of STATUS) {
      know(count);
      const shown = await timed(samples, name(count), () => run('status', '--json'));
      const up = JSON.parse(shown).notebooks.filter((one: { state: string }) => one.state === 'connected');
      if (up.length !== count) throw new Error(`${up.length} of ${count} are connected: ${shown}`);
    }
  }
  const title = 'Many notebooks, each with a tunnel of its own to one Jupyter';
  const findings = [
    `\`status\` of ${MANY} takes ${ratio(samples, name(MANY), name(1))} times as long as of one (${Math.round(median(samples, name(MANY)))} ms).`,
  ];
  return { title, unit: 'ms', samples, findings };
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
