import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isInterrupted } from '../hosts/interrupted.ts';
import { removeStanding } from '../hosts/standing.ts';
import { measureCluster } from './cluster.ts';
import { measureDelays } from './delay.ts';
import { measureMany } from './many.ts';
import { measureCuts, measureKills } from './reconnect.ts';
import { report, writePage, writeSections } from './report.ts';
import { measureRuns } from './runs.ts';
import type { Section } from './samples.ts';
import { measureTunnel } from './tunnel.ts';
import { measureVerbs } from './verbs.ts';

/**
 * Measures what everything costs, side by side with the alternatives, in one run on one machine.
 *
 *   bench.ts [PART...]    without a PART: all of them. Writes the tables of the parts into docs/benchmarks.md
 */

const PARTS: Readonly<Record<string, () => Promise<Section[]>>> = {
  verbs: () => measureVerbs(7),
  far: () => measureDelays(3),
  kill: () => measureKills(7),
  cut: measureCuts,
  tunnels: () => measureMany(7),
  tunnel: () => measureTunnel(9),
  cluster: () => measureCluster(9),
  runs: () => measureRuns(5),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((part) => !(part in PARTS));
if (unknown !== undefined) {
  console.error(`bench: there is no part "${unknown}"; the parts are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

async function measureAll(): Promise<void> {
  const sections: Section[] = [];
  const [load = 0] = loadavg();
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const begin = performance.now();
    sections.push(...(await measure()));
    console.error(`${name}: measured in ${Math.round((performance.now() - begin) / 1000)} s`);
  }
  const text = report(sections, load);
  console.log(text);
  const page = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
  if (wanted.length === 0) writePage(page, text);
  else writeSections(page, sections, load);
}

try {
  await measureAll();
} catch (error) {
  // Ctrl-C in a terminal also ends the programs that are being measured, and their failure may arrive first.
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (isInterrupted()) await new Promise(() => {});
  console.error(error);
  process.exitCode = 1;
}
await removeStanding();
process.exit();
