// Runs the tests, and prints at the end what failed, what was skipped and why.
//
//   run.ts [--all] [PATH…]    without a path: all tests; without --all: those alone that are not slow by nature
//
// A file that is named is run in either case. With NO_SKIPS in the environment a skip fails, unless its reason lies
// outside of this machine: such a machine could have what its tests need.
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { isOutside } from './hosts/needs.ts';

/** A file that hangs is ended after so long. */
const HANG_MS = 20 * 60_000;
/** Half of the time of a test is waiting: for a Jupyter, for a time-out. */
const FILES_AT_ONCE = 2.5 * availableParallelism();

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
files.sort((one, other) => statSync(other).size - statSync(one).size);
if (files.length === 0) throw new Error(`no test is there: ${paths.join(' ')}`);

let passed = 0;
const failed: string[] = [];
const skipped: string[] = [];
/** Skips that this machine could have spared. */
const avoidable: string[] = [];

const tests = run({ files, concurrency: Math.ceil(FILES_AT_ONCE), timeout: HANG_MS });
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
tests.compose(new spec()).pipe(process.stdout);

function entry(name: string, file: string | undefined, text: string): string {
  return `\n  ${relative(root, file ?? '')}: ${name}\n    ${text}`;
}

function list(title: string, entries: readonly string[]): void {
  if (entries.length > 0) console.log(`\n${entries.length} ${title}:${entries.join('')}`);
}

process.on('exit', () => {
  list('failed', failed);
  list('skipped', skipped);
  list('skipped though this machine could have what they need, which is a failure here', avoidable);
  console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  if (failed.length + avoidable.length > 0) process.exitCode = 1;
});
