// Runs the tests, and prints at the end what failed, what was skipped and why.
//
//   run.ts [--all] [PATH…]    without a PATH: all tests; without --all: only those that are not slow by nature
//
// A file that is named always runs. With NO_SKIPS in the environment, a skipped test counts as a failure, unless its reason
// is outside this machine: the machine could have what the test needs.
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { isOutside } from './hosts/needs.ts';

/** Timeout for one file. */
const HANG_MS = 20 * 60_000;
/** More files than cores, because tests spend half of their time waiting for a Jupyter or a timeout. */
const FILES_AT_ONCE = Math.ceil(2.5 * availableParallelism());
/** A machine holds one cluster at a time, so these files run one after the other, beside the others. */
const OF_CLUSTERS = /\/launchers\/|\/demo-cluster\./;

const root = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2);
const paths = words.filter((word) => word !== '--all');
const ending = words.includes('--all') ? /\.test\.ts$/ : /(?<!\.slow)\.test\.ts$/;

function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  return names.filter((name) => ending.test(name)).map((name) => join(path, name));
}

const files = (paths.length > 0 ? paths : [join(root, 'test')]).flatMap(testFiles);
// The longest first: none of them is left to run alone at the end.
const isSlow = (file: string) => file.endsWith('.slow.test.ts');
const lengthOf = (file: string) => statSync(file).size * (isSlow(file) ? 100 : 1);
files.sort((one, other) => lengthOf(other) - lengthOf(one));
if (files.length === 0) throw new Error(`no test is there: ${paths.join(' ')}`);

let passed = 0;
const failed: string[] = [];
const skipped: string[] = [];
/** Skipped tests that this machine could have run. */
const avoidable: string[] = [];

const ofClusters = files.filter((file) => OF_CLUSTERS.test(file));
const others = files.filter((file) => !OF_CLUSTERS.test(file));
const lanes = [
  { files: others, concurrency: ofClusters.some(isSlow) ? FILES_AT_ONCE - 1 : FILES_AT_ONCE },
  { files: ofClusters, concurrency: 1 },
].filter((lane) => lane.files.length > 0);

process.on('exit', () => {
  list('failed', failed);
  list('skipped', skipped);
  list('skipped though this machine could have what they need, which is a failure here', avoidable);
  console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  if (failed.length + avoidable.length > 0) process.exitCode = 1;
});

// All run at once, and are printed one after the other.
for (const output of lanes.map(outputOf)) {
  output.pipe(process.stdout, { end: false });
  await once(output, 'end');
}
// A file that was ended by its timeout may have left a process that still holds the runner's pipes.
setImmediate(() => process.exit());

/** Runs these files, and returns what is to be printed about them. */
function outputOf({ files, concurrency }: (typeof lanes)[number]): NodeJS.ReadableStream {
  const tests = run({ files, concurrency, timeout: HANG_MS });
  tests.on('test:fail', ({ name, file, details }) => {
    const error = details.error.cause instanceof Error ? details.error.cause : details.error;
    failed.push(entry(name, file, error.message.split(/\s+/).join(' ').slice(0, 400)));
  });
  tests.on('test:pass', ({ name, file, skip, details }) => {
    if (details.type === 'suite') return;
    if (skip === undefined) {
      passed++;
      return;
    }
    const reason = typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
    skipped.push(entry(name, file, reason));
    if (process.env.NO_SKIPS && !isOutside(reason)) avoidable.push(entry(name, file, reason));
  });
  return tests.compose(new spec());
}

function entry(name: string, file: string | undefined, text: string): string {
  return `\n  ${relative(root, file ?? '')}: ${name}\n    ${text}`;
}

function list(title: string, entries: readonly string[]): void {
  if (entries.length > 0) console.log(`\n${entries.length} ${title}:${entries.join('')}`);
}
