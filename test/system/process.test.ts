import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { secondsOf, startTimeInPs } from '../../src/system/process.ts';
import { outputOf } from '../../src/system/run.ts';
import { missing } from '../hosts/needs.ts';

const SCRIPT = fileURLToPath(new URL('../../src/system/process.sh', import.meta.url));

/** The start time of this process in this time zone, as the keeper reads it without /proc. */
function keeperSays(zone: string): string {
  const script = `. "$0"; start_time_in_ps ${process.pid}`;
  return execFileSync('/bin/sh', ['-c', script, SCRIPT], {
    env: { ...process.env, TZ: zone },
    encoding: 'utf8',
  }).trimEnd();
}

test('without /proc, a process keeps its start time when the machine changes its time zone', {
  skip: missing('ps'),
}, async () => {
  const zones = ['Asia/Tokyo', 'America/New_York', 'JST-9'].map(keeperSays);
  const here = startTimeInPs(await outputOf(['ps', '-o', 'stat=,lstart=', '-p', String(process.pid)]));
  assert.ok(here);
  assert.deepEqual(zones, [here, here, here]);
});

test('the keeper and the command read the same start time, also on the third of a month', () => {
  const answer = 'Ss   Tue Nov  3 09:05:01 2026    \n';
  const script = 'read -r state began; printf %s "$began"';
  const read = execFileSync('/bin/sh', ['-c', script], { input: answer, encoding: 'utf8' });
  assert.equal(startTimeInPs(answer), read);
});

test('an ended process and a zombie have no start time', () => {
  assert.equal(startTimeInPs(''), undefined);
  assert.equal(startTimeInPs('Z+   Tue Nov  3 09:05:01 2026\n'), undefined);
});

test('a process is ended on a machine without ps, such as a small container', () => {
  const program = `
    const { spawn } = await import('node:child_process');
    const { endProcessTree, startTimeOf } = await import(${JSON.stringify(new URL('../../src/system/process.ts', import.meta.url).href)});
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const startTime = await startTimeOf(child.pid);
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal)));
    process.env.PATH = '/nowhere';
    await endProcessTree({ pid: child.pid, startTime }, 60_000);
    console.log(await ended);
  `;
  const words = ['--import', 'tsx', '--input-type=module', '-e', program];
  assert.equal(execFileSync(process.execPath, words, { encoding: 'utf8' }), 'SIGTERM\n');
});

test('how long a process has been running is read as ps prints it, and is unknown in any other form', () => {
  assert.deepEqual(['07', '01:05', '2-03:00:01', ' 12345 '].map(secondsOf), [7, 65, 183_601, 12_345]);
  for (const text of ['', '-5', 'abc', '1e999', 'Infinity', '99999999999999999999', '9-9-9'])
    assert.ok(Number.isNaN(secondsOf(text)), text);
});
