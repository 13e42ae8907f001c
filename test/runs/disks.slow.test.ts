import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { worldFor } from '../hosts/lasting.ts';
import { NO_ROOT } from '../hosts/needs.ts';
import { largeNotebook, printedIn, readNotebook, runsOn, writeNotebook } from '../hosts/runs.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import { makeFolder } from '../hosts/standing.ts';
import type { World } from '../hosts/world.ts';

/** Hosts on which a run has no place to write. */

async function worldOnDisk(context: TestContext, environment: Record<string, string> = {}): Promise<World> {
  const world = await worldFor(context, { environment });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', world.home]);
  mkdirSync(join(world.home, 'work'));
  writeFileSync(join(world.home, 'work', 'there.ipynb'), JSON.stringify(notebookOf('print("there")')));
  return world;
}

function fill(home: string): void {
  assert.throws(() => writeFileSync(join(home, 'filling'), Buffer.alloc(10_000_000)), /ENOSPC/);
}

function makeReadOnly(home: string): void {
  execFileSync('mount', ['-o', 'remount,ro', home]);
}

const LIMITS = [
  ['full', 'No space left on device', fill],
  ['read-only', 'Read-only file system', makeReadOnly],
] as const;

for (const [what, words, limit] of LIMITS)
  test(`a run is refused with the reason if the home folder of its host is ${what}`, {
    skip: NO_ROOT,
  }, async (context) => {
    const world = await worldOnDisk(context);
    const { laptop } = world;
    const path = writeNotebook(laptop, 'here.ipynb', largeNotebook(100_000, '1'));
    limit(world.home);
    const sent = await stderrOf(1, laptop, 'run', path, 'loopback', '{F}');
    assert.match(sent, new RegExp(`Error: .*loopback.*${words}[^]*quota`), sent);
    const there = await stderrOf(1, laptop, 'run', 'loopback:work/there.ipynb', '{F}');
    assert.match(there, new RegExp(`Error: cannot write to .*loopback.*${words}[^]*quota`), there);
    const left = existsSync(runsOn(world)) ? readdirSync(runsOn(world)) : [];
    assert.deepEqual(left, []);
    execFileSync('mount', ['-o', 'remount,rw', world.home]);
    rmSync(join(world.home, 'filling'), { force: true });
    await done(laptop, 'run', path, 'loopback', '{F}', '--wait');
  });

test('a notebook that does not fit on the disk of its host is not executed in part', {
  skip: NO_ROOT,
}, async (context) => {
  const world = await worldOnDisk(context);
  const path = writeNotebook(world.laptop, 'large.ipynb', largeNotebook(6_000_000, '1'));
  const stderr = await stderrOf(1, world.laptop, 'run', path, 'loopback', '{F}');
  assert.match(stderr, /Error: .*loopback.*No space left on device/);
  assert.deepEqual(readdirSync(runsOn(world)), []);
});

test('a run needs nothing of a read-only home folder if XDG_STATE_HOME is elsewhere', {
  skip: NO_ROOT,
}, async (context) => {
  const state = makeFolder('rn-state-');
  const world = await worldOnDisk(context, { XDG_STATE_HOME: state });
  makeReadOnly(world.home);
  const half = join(String(world.laptop.env.HOME), 'there.ipynb');
  await done(world.laptop, 'run', 'loopback:work/there.ipynb', '{F}', '--wait', '--output', half);
  assert.equal(printedIn(readNotebook(half)), 'there\n');
});
