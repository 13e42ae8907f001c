import { truncateSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NO_CHROMIUM, withBrowser } from '../browser/chromium.ts';
import { LAB, linesIn, notebookOf, runCells, shown, THE_NEXT } from '../browser/lines.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { makeNetwork } from '../hosts/network.ts';
import { memoryOf } from '../hosts/proc.ts';
import { makeRelay } from '../hosts/relay.ts';
import { removeStanding } from '../hosts/standing.ts';
import { NO_JUPYTER_OF_TODAY, withToday } from '../hosts/today.ts';
import { makeWorld, type World } from '../hosts/world.ts';
import { makeCells } from './cells.ts';
import { OURS, PEERS, type Peer, processesOf, type Session } from './peer.ts';
import { featureTable } from './peer-features.ts';
import { report, writePage, writeSections } from './report.ts';
import { add, type Samples, type Section } from './samples.ts';
import { LOGIN, login } from './verbs.ts';

/**
 * Measures remote-notebook beside the programs that people use instead, and writes the tables of docs/comparison.md.
 *
 *   peers.ts [PART...]    without a PART: all of them
 */

const ROUNDS = 5;
const ROUND_TRIPS_MS = [0, 100] as const;
const at = (ms: number) => `, ${ms} ms away`;
const MIB = 1 << 20;
const SIZE_MIB = 64;
const LINES = 600;
const CUT_S = 20;
/** How long a reconnect may take. */
const LIMIT_S = 30;

const peers = PEERS.filter(({ missing }) => !missing);

/** Starts a peer on a host of its own, does the work, and ends it. */
async function withSession<T>(
  { prepare, start }: Peer,
  world: World,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  try {
    await prepare?.(world, world.sshd.sshConfig);
    return await work(await start(world, world.sshd.sshConfig));
  } finally {
    await world.remove();
  }
}

/** From nothing to the first answer of Jupyter's API, and to the first output of a cell, and how much memory that takes. */
async function measureStarts(): Promise<Section[]> {
  const [starts, cells, memory]: [Samples, Samples, Samples] = [new Map(), new Map(), new Map()];
  // The first round compiles the modules of Python.
  for (let round = 0; round <= ROUNDS; round++)
    for (const roundTripMs of ROUND_TRIPS_MS)
      for (const peer of peers) {
        const world = await makeWorld(withToday());
        const relay = await makeRelay(world, roundTripMs);
        try {
          if (round > 0 && peer.name === OURS) await login(world, relay.sshConfig, starts, at(roundTripMs));
          const taken = await startOnce(peer, world, relay.sshConfig);
          if (round === 0) continue;
          if (!peer.isLocal) add(starts, peer.name + at(roundTripMs), taken.answerMs);
          add(cells, peer.name + at(roundTripMs), taken.outputMs);
          if (roundTripMs === 0) add(memory, peer.name, taken.megabytes);
        } finally {
          await world.remove();
          relay.close();
        }
      }
  return [
    {
      title: 'From nothing to the first answer of JupyterLab',
      columns: ROUND_TRIPS_MS.map(at),
      unit: 'ms',
      samples: starts,
      findings: [
        `${LOGIN} is a part of each of them that none can avoid; the start of JupyterLab is another.`,
        'remote-notebook also verifies that the answer is from this server, and reads which Python its cells get.',
      ],
    },
    {
      title: 'From nothing to the first output of a cell',
      columns: ROUND_TRIPS_MS.map(at),
      unit: 'ms',
      samples: cells,
      findings: [
        'This is the start, of JupyterLab and then of a kernel on the host. With sshpyk, JupyterLab starts on the laptop. The time that people need to find the token and to open the page is not included.',
      ],
    },
    {
      title: 'Memory on the laptop after the first cell',
      unit: 'MB',
      samples: memory,
      findings: [
        'What processes share is counted for each of them. The first commands by hand stay, too. With sshpyk, JupyterLab is one of these processes.',
      ],
    },
  ];
}

/** The times from the start of a peer, and the memory that it then has on the laptop. */
async function startOnce(
  { prepare, start }: Peer,
  world: World,
  sshConfig: string,
): Promise<{ readonly answerMs: number; readonly outputMs: number; readonly megabytes: number }> {
  await prepare?.(world, sshConfig);
  const cells = await makeCells();
  try {
    const begin = performance.now();
    const session = await start(world, sshConfig);
    const answerMs = performance.now() - begin;
    const page = await session.page();
    const opened = performance.now();
    if (!(await cells.run(page, session.kernel))) throw new Error('no cell runs');
    const outputMs = answerMs + performance.now() - opened;
    const megabytes = processesOf(world).here.reduce((sum, pid) => sum + memoryOf(pid), 0) / 1000;
    await session.end();
    return { answerMs, outputMs, megabytes };
  } finally {
    cells.end();
  }
}

/** A download through the tunnel. */
async function measureDownloads(): Promise<Section[]> {
  const samples: Samples = new Map();
  for (const peer of peers.filter(({ isLocal }) => !isLocal)) {
    const world = await makeWorld(withToday());
    const file = join(world.home, 'large.bin');
    writeFileSync(file, '');
    truncateSync(file, SIZE_MIB * MIB);
    await withSession(peer, world, async (session) => {
      const url = new URL(await session.page('large.bin'));
      url.pathname = '/files/large.bin';
      for (let round = 0; round <= ROUNDS; round++) {
        const begin = performance.now();
        const body = await (await fetch(url)).arrayBuffer();
        if (body.byteLength !== SIZE_MIB * MIB)
          throw new Error(`${peer.name} downloads ${body.byteLength} bytes`);
        const seconds = (performance.now() - begin) / 1000;
        if (round > 0) add(samples, peer.name, (SIZE_MIB * MIB) / 1e6 / seconds);
      }
    });
  }
  const findings = [
    `A file of ${SIZE_MIB} MiB, by the page's own way to download it, on this machine alone.`,
    'With sshpyk, the page has no way to the files of the host.',
  ];
  return [{ title: 'A download through the tunnel', unit: 'MB/s', samples, findings }];
}

/** The network of the laptop changes while a cell prints: what the open page shows at the end, without a click. */
async function measureLosses(): Promise<Section[]> {
  const title = `Output that an open page shows after ${CUT_S} s without a network, and another address`;
  const samples: Samples = new Map();
  const missing = NO_ROOT || NO_CHROMIUM;
  if (missing) return [{ title, unit: 's', samples, findings: [`Not measured: ${missing}.`] }];
  const body: string[][] = [];
  for (const peer of peers) body.push([peer.name, ...(await linesOfPage(peer))]);
  const head = ['', 'lines in the page', 'the next cell ran', 'a dialog waits for an answer'];
  const findings = [
    'The cell prints ten lines in a second. The page is looked at when the next cell has run, or two minutes after the end of this one.',
  ];
  return [{ title, unit: 's', samples, words: { head, body }, findings }];
}

/** How many lines the page shows, whether the next cell ran, and whether there is a dialog. */
async function linesOfPage(peer: Peer): Promise<string[]> {
  const network = makeNetwork({ isFar: true });
  try {
    const world = await makeWorld({ ...withToday(), machine: network });
    return await withSession(peer, world, (session) =>
      withBrowser(async (browser) => {
        writeFileSync(join(session.folder, 'lines.ipynb'), notebookOf(LINES, session.kernel));
        const page = await browser.newPage();
        await page.goto(await session.page('lines.ipynb'));
        await page.locator(LAB.idle).first().waitFor();
        await runCells(page, LAB);
        await shown(page, LAB, 'L20');
        network.cut();
        await pause(CUT_S * 1000);
        network.roam();
        network.restore();
        const isDone = await shown(page, LAB, THE_NEXT, LINES * 100 + 120_000).then(
          () => true,
          () => false,
        );
        const lines = new Set(await linesIn(page, LAB)).size;
        const hasDialog = (await page.locator(LAB.dialog).count()) > 0;
        return [`${lines} of ${LINES}`, ...[isDone, hasDialog].map((is) => (is ? 'yes' : 'no'))];
      }),
    );
  } finally {
    network.remove();
  }
}

/** sshd ends the connection, as when it is restarted. */
async function measureReconnects(): Promise<Section[]> {
  const samples: Samples = new Map();
  const findings = [
    'The cell runs in the kernel that was there before, over a new connection to the local port.',
  ];
  for (const peer of peers) {
    const world = await makeWorld(withToday());
    const cells = await makeCells();
    await withSession(peer, world, async ({ page, kernel }) => {
      const url = await page();
      await cells.run(url, kernel);
      for (let round = 0; round < ROUNDS; round++) {
        world.sshd.endSessions();
        const begin = performance.now();
        if (!(await cells.run(url, kernel, LIMIT_S))) {
          findings.push(`${peer.name}: no output within ${LIMIT_S} s.`);
          return;
        }
        add(samples, peer.name, performance.now() - begin);
        // autossh waits longer after a connection that was short.
        await pause(2000);
      }
    }).finally(cells.end);
  }
  const title = 'From the end of the connection on the host to the next output of a cell';
  return [{ title, unit: 'ms', samples, findings }];
}

const PARTS: Readonly<Record<string, () => Promise<Section[]>>> = {
  features: () => featureTable(peers),
  starts: measureStarts,
  reconnects: measureReconnects,
  losses: measureLosses,
  downloads: measureDownloads,
};

async function measureAll(wanted: readonly string[]): Promise<void> {
  if (NO_JUPYTER_OF_TODAY) throw new Error(NO_JUPYTER_OF_TODAY);
  const [load = 0] = loadavg();
  const sections: Section[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const begin = performance.now();
    sections.push(...(await measure()));
    console.error(`${name}: measured in ${Math.round((performance.now() - begin) / 1000)} s`);
  }
  const absent = PEERS.flatMap(({ name, missing }) =>
    missing ? [`${name} was not measured: ${missing}.`] : [],
  );
  const all = sections.map((section) => ({ ...section, findings: [...section.findings, ...absent] }));
  const page = fileURLToPath(new URL('../../docs/comparison.md', import.meta.url));
  console.log(report(all, load));
  if (wanted.length === 0) writePage(page, report(all, load));
  else writeSections(page, all, load);
}

try {
  await measureAll(process.argv.slice(2));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
await removeStanding();
process.exit();
