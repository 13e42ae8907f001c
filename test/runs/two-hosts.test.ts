import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { makeWorld, type World } from '../hosts/world.ts';

/** Runs of one notebook on two hosts, which do not know of each other. */

let [first, second]: World[] = [];
before(async () => {
  [first, second] = await Promise.all([makeWorld(), makeWorld()]);
});
after(() => Promise.all([first?.remove(), second?.remove()]));

const SLEEP = 'import time\ntime.sleep(1000)';

async function outcome(world: World | undefined, ...words: string[]) {
  assert.ok(world && second);
  const hosts = words.map((word) => (word === '{SECOND}' ? (second?.sshd.sshConfig ?? '') : word));
  const { stdout, stderr } = await world.laptop.run(...hosts, '--json');
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

function notebook(world: World | undefined, name: string, source: string): string {
  const path = join(String(world?.laptop.env.HOME), name);
  writeFileSync(path, JSON.stringify(notebookOf(source)));
  return path;
}

test('that are started at once on two hosts have two names', { skip: NO_PROC }, async () => {
  const path = notebook(first, 'sweep.ipynb', '1');
  const started = await Promise.all([
    outcome(first, 'run', path, 'loopback', '{F}'),
    outcome(first, 'run', path, 'loopback', '-F', '{SECOND}'),
  ]);
  assert.deepEqual(started.map(({ name }) => name).toSorted(), ['sweep-1', 'sweep-2']);
  // `clean` of the next test leaves those that are running.
  for (const { name } of started) await first?.laptop.run('logs', name, '-f');
});

test('of which another machine has named one like ours: ours stays what it is, and `stop` ends that one', {
  skip: NO_PROC,
}, async () => {
  await outcome(first, 'run', notebook(first, 'same.ipynb', SLEEP), 'loopback', '{F}');
  await outcome(second, 'run', notebook(second, 'same.ipynb', SLEEP), 'loopback', '{F}');
  const stopped = await outcome(second, 'stop', 'same-1');
  assert.equal(stopped.state, 'cancelled');
  const { runs } = await outcome(first, 'runs', 'loopback', '-F', '{SECOND}');
  assert.ok(
    runs.some(
      ({ name, state }: { name: string; state: string }) => name === 'same-1' && state === 'cancelled',
    ),
  );
  // -F says which of the two hosts is meant.
  const [ofThere] = (await outcome(first, 'status', 'same-1', '-F', '{SECOND}')).runs;
  const [ofHere] = (await outcome(first, 'status', 'same-1')).runs;
  assert.deepEqual([ofThere.state, ofHere.state], ['cancelled', 'running']);
  const known = JSON.parse(readFileSync(join(String(first?.laptop.stateFolder), 'runs.json'), 'utf8'));
  assert.notEqual(known.runs['same-1'].ended, true);
  // From here, the other one is named with its host.
  const half = join(String(first?.laptop.env.HOME), 'theirs.ipynb');
  const theirs = await outcome(first, 'fetch', 'loopback:same-1', '--output', half);
  assert.deepEqual([theirs.state, theirs.file], ['cancelled', half]);
  assert.equal((await outcome(first, 'stop', 'loopback:same-1')).outcome, 'gone');
  assert.deepEqual((await outcome(first, 'status', 'loopback:same-1')).runs[0].state, 'cancelled');
  assert.deepEqual((await outcome(first, 'status', 'same-1')).runs[0].state, 'running');
  const ours = await outcome(first, 'stop', 'same-1');
  assert.deepEqual([ours.outcome, ours.state], ['cancelled', 'cancelled']);
  const removed = await first?.laptop.run('clean', '--runs', '--yes');
  assert.match(String(removed?.stdout), /removed the run same-1 .*removed the run same-1 /s);
  assert.deepEqual((await outcome(first, 'status')).runs, []);
});
