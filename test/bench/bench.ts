import { fileURLToPath } from 'node:url';
import { isInterrupted } from '../hosts/interrupted.ts';
import { removeStanding } from '../hosts/standing.ts';
import { measureDelays } from './delay.ts';
import { measureMany } from './many.ts';
import { measureCuts, measureKills } from './reconnect.ts';
import { report, writePage } from './report.ts';
import type { Section } from './samples.ts';
import { measureThroughput } from './throughput.ts';
import { measureVerbs } from './verbs.ts';

/**
 * What everything costs, beside what one would use instead: in turns, in one run, on one machine.
 *
 *   bench.ts [PART...]    without one: all of them, and docs/benchmarks.md is rewritten
 */

const PARTS: Readonly<Record<string, () => Promise<Section[]>>> = {
  verbs: () => measureVerbs(7),
  far: () => measureDelays(3),
  kill: () => measureKills(7),
  cut: measureCuts,
  tunnels: () => measureMany(7),
  throughput: () => measureThroughput(5),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((part) => !(part in PARTS));
if (unknown !== undefined) {
  console.error(`bench: there is no part "${unknown}"; the parts are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

async function measureAll(): Promise<void> {
  const sections: Section[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const begin = performance.now();
    sections.push(...(await measure()));
    console.error(`${name}: measured in ${Math.round((performance.now() - begin) / 1000)} s`);
  }
  const text = report(sections);
  console.log(text);
  if (wanted.length === 0)
    writePage(fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url)), text);
}

try {
  await measureAll();
} catch (error) {
  // A terminal's signal also ends what runs here, and that may be heard of first.
  await new Promise((resolve) => setTimeout(resolve, 200));
  if (isInterrupted()) await new Promise(() => {});
  console.error(error);
  process.exitCode = 1;
}
await removeStanding();
process.exit();
