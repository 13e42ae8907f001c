// Runs all tests, or those below the paths that are named, and tells at the end what failed, what was skipped, and why.
// With NO_SKIPS in the environment a skipped test is a failure: its machine could have had what it lacks.
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

/** A file that hangs is ended after so long. */
const HANG_MS = 20 * 60_000;

const root = fileURLToPath(new URL('..', import.meta.url));

function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => join(path, name));
}

const wanted = process.argv.slice(2);
const files = (wanted.length > 0 ? wanted : [join(root, 'test')]).flatMap(testFiles);
if (files.length === 0) throw new Error(`no test is there: ${wanted.join(' ')}`);

const skipped: string[] = [];
const tests = run({ files, concurrency: 2, timeout: HANG_MS });
const failed: string[] = [];
tests.on('test:fail', ({ name, file, details }) => {
  process.exitCode = 1;
  const error = details.error.cause instanceof Error ? details.error.cause : details.error;
  const words = error.message.split(/\s+/).join(' ').slice(0, 400);
  failed.push(`${relative(root, file ?? '')}: ${name}\n    ${words}`);
});
tests.on('test:pass', ({ name, file, skip }) => {
  if (skip === undefined) return;
  skipped.push(
    `${relative(root, file ?? '')}: ${name}\n    ${skip === true || skip === '' ? 'no reason given' : skip}`,
  );
});
tests.compose(new spec()).pipe(process.stdout);
process.on('exit', () => {
  if (failed.length > 0) console.log(`\n${failed.length} failed:\n  ${failed.join('\n  ')}`);
  if (skipped.length === 0) return;
  console.log(`\n${skipped.length} skipped:\n  ${skipped.join('\n  ')}`);
  if (!process.env.NO_SKIPS) return;
  console.log('This machine could have what they lack, so this is a failure.');
  process.exitCode = 1;
});
