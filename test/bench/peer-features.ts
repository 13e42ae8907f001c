import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { commandLineOf } from '../hosts/proc.ts';
import { withToday } from '../hosts/today.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { makeCells } from './cells.ts';
import { kernelsOf, type Peer, processesOf, type Session, switchOff } from './peer.ts';
import { finish } from './run.ts';
import type { Section } from './samples.ts';

/** What each program does, as a probe finds it: no cell of the table is written by hand. */

/** A started peer on a host of its own, in which a cell has run. */
interface Trial {
  readonly world: World;
  readonly peer: Peer;
  readonly session: Session;
  /** Whether a cell runs in the same kernel, within this time. */
  runsCell(withinS: number): Promise<boolean>;
}

interface Probe {
  readonly question: string;
  answer(trial: Trial): Promise<string>;
}

const yesOrNo = (is: boolean) => (is ? 'yes' : 'no');

/** The PIDs of JupyterLab on the host. */
function labs(world: World): number[] {
  return world.processes().filter((pid) => /python\S* \S*jupyter-lab /.test(`${commandLineOf(pid)} `));
}

/** Where JupyterLab listens, by ss of iproute2. */
async function listening(world: World, { isLocal }: Peer): Promise<string> {
  const [lab = 0] = labs(world);
  const lines = (await finish('ss', ['-lptxn'], process.env)).split('\n');
  const own = lines.filter((line) => line.includes(`pid=${lab},`) && !/^u_str.* @/.test(line));
  const tcp = own.filter((line) => line.startsWith('tcp')).map((line) => line.split(/\s+/)[4] ?? '');
  // Kernels' ports are their own processes'.
  if (tcp.length === 0) return own.length > 0 ? 'a private Unix socket' : 'nowhere';
  return tcp.every((address) => /^(127\.|\[::1\])/.test(address))
    ? `a port of loopback${isLocal ? ' of the laptop' : ''}`
    : "a port of the host's name";
}

const PROBES: readonly Probe[] = [
  { question: 'JupyterLab listens on', answer: ({ world, peer }) => listening(world, peer) },
  {
    question: 'the same start once more finds the server',
    answer: async ({ world, peer }) => {
      const before = labs(world).length;
      const again = await peer.start(world, world.sshd.sshConfig).catch(() => undefined);
      const isOne = labs(world).length === before;
      return again && isOne ? 'yes' : `no: ${again ? 'it starts another' : 'it fails'}`;
    },
  },
  {
    question: 'an unknown host key is refused',
    answer: async ({ peer }) => {
      const fresh = await makeWorld(withToday());
      try {
        const config = readFileSync(fresh.sshd.sshConfig, 'utf8');
        const [, known = ''] = /UserKnownHostsFile (\S+)/.exec(config) ?? [];
        writeFileSync(known, '');
        const isUsed = await withTrial(peer, fresh, async () => true).catch(() => false);
        return yesOrNo(!isUsed);
      } finally {
        await fresh.remove();
      }
    },
  },
  {
    question: 'a kernel survives the end of the connection',
    answer: async ({ world }) => {
      world.sshd.endSessions();
      await pause(5000);
      return yesOrNo(kernelsOf(world).length > 0);
    },
  },
  {
    question: 'it connects again on its own (within 30 s)',
    answer: async ({ world, runsCell }) => {
      world.sshd.endSessions();
      await pause(200);
      return yesOrNo(await runsCell(30));
    },
  },
  {
    question: 'a kernel survives the laptop',
    answer: async ({ world }) => {
      switchOff(world);
      await pause(5000);
      return yesOrNo(kernelsOf(world).length > 0);
    },
  },
  {
    question: 'its way to end leaves nothing on the host',
    answer: async ({ world, session }) => {
      await session.end();
      await pause(5000);
      return yesOrNo(processesOf(world).there.length === 0);
    },
  },
];

/** @throws Error if no cell runs */
async function withTrial<T>(peer: Peer, world: World, work: (trial: Trial) => Promise<T>): Promise<T> {
  const { sshConfig } = world.sshd;
  const cells = await makeCells();
  try {
    await peer.prepare?.(world, sshConfig);
    const session = await peer.start(world, sshConfig);
    const url = await session.page();
    const runsCell = (withinS: number) => cells.run(url, session.kernel, withinS);
    if (!(await runsCell(60))) throw new Error(`${peer.name} runs no cell`);
    return await work({ world, peer, session, runsCell });
  } finally {
    cells.end();
  }
}

export async function featureTable(peers: readonly Peer[]): Promise<Section[]> {
  const body: string[][] = [];
  for (const { question, answer } of PROBES) {
    const row = [question];
    for (const peer of peers) {
      const world = await makeWorld(withToday());
      try {
        row.push(await withTrial(peer, world, answer));
      } finally {
        await world.remove();
      }
    }
    body.push(row);
  }
  const head = ['', ...peers.map(({ name }) => name)];
  const findings = ['Each answer was found by trying it, on hosts that were made for it.'];
  const title = 'What each of them does';
  return [{ title, unit: 's', samples: new Map(), words: { head, body }, findings }];
}
