import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startTimeOf } from '../../src/system/process.ts';
import { notebookOf } from '../hosts/driver.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import {
  begun,
  driverOf,
  json,
  kernelOf,
  printedIn,
  readNotebook,
  runOf,
  runsOn,
  untilEnded,
  writeNotebook,
} from '../hosts/runs.ts';
import { done, stderrOf } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { untilEnd } from '../hosts/standing.ts';

/** The processes of runs on a host: which ones belong to a run, and who ends them. */

const world = await worldPerFile();

function change(folder: string, file: string, edit: (text: string) => string): void {
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  const after = edit(before);
  assert.notEqual(after, before);
  writeFileSync(path, after);
}

describe('a run', { concurrency: 2, skip: NO_PROC }, () => {
  test('that two laptops stop at the same time gets as long to tidy up as one stop gives it', async () => {
    const source = `import time
try:
    print("begun", flush=True)
    time.sleep(1000)
except KeyboardInterrupt:
    time.sleep(4)
    print("tidied up")`;
    await begun(world, 'twice', source);
    const other = world.anotherLaptop();
    await runOf(other, 'twice-1');
    const stops = await Promise.all(
      [world.laptop, other].map((laptop) => laptop.run('stop', 'twice-1', '--json')),
    );
    for (const { code, stdout, stderr } of stops) {
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).state, 'cancelled');
    }
    const half = join(String(other.env.HOME), 'twice.ipynb');
    await done(other, 'fetch', 'twice-1', '--output', half);
    assert.equal(printedIn(readNotebook(half)), 'begun\ntidied up\n');
  });

  test('has nothing of the login session that started it, whose end it does not notice', async () => {
    await begun(world, 'detached');
    const pid = driverOf(world, 'detached-1');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    assert.deepEqual([Number(session), Number(terminal)], [pid, 0]);
    const files = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const log = join(runsOn(world), 'detached-1', 'log');
    assert.deepEqual(files, ['/dev/null', log, log]);
    // A session that ends sends HUP to what it still has.
    for (const each of [pid, kernelOf(join(runsOn(world), 'detached-1'))]) signalQuietly(each, 'SIGHUP');
    assert.equal((await runOf(world.laptop, 'detached-1'))?.state, 'running');
    await done(world.laptop, 'stop', 'detached-1');
  });

  test('whose host ends all processes of the user, as logind may after the last logout, keeps its outputs', async () => {
    const folder = await begun(world, 'logout');
    const path = join(String(world.laptop.env.HOME), 'logout.ipynb');
    // systemd.kill(5): TERM to all, then HUP to all.
    const all = [driverOf(world, 'logout-1'), kernelOf(folder)];
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) for (const pid of all) signalQuietly(pid, signal);
    const { state, exit } = await untilEnded(world, 'logout-1');
    assert.deepEqual([state, exit], ['cancelled', 130]);
    await done(world.laptop, 'fetch', 'logout-1', '--output', path);
    assert.equal(printedIn(readNotebook(path)), 'begun\n');
  });
});

test('a run is not confused with another process that got its PID, also after a restart of the host', {
  skip: NO_PROC,
}, async () => {
  const { laptop } = world;
  const folder = await begun(world, 'reused');
  const [driver, kernel] = [driverOf(world, 'reused-1'), kernelOf(folder)];
  for (const pid of [driver, kernel]) signalQuietly(pid, 'SIGKILL');
  const other = untilEnd(spawn('sleep', ['1000'], { stdio: 'ignore' }));
  // The test file must not wait for it, should this test fail.
  other.unref();
  const stranger = other.pid ?? 0;
  const stop = async (state: string) => {
    assert.equal((await runOf(laptop, 'reused-1'))?.state, state);
    const stopped = await json<{ outcome: string }>(laptop, 'stop', 'reused-1');
    assert.equal(stopped.outcome, 'gone');
    assert.ok(await startTimeOf(stranger), 'the other process is still running');
  };
  // The same PID, with the start time of the process that had it before.
  change(folder, 'record', (text) => text.replace(/^pid .*$/m, `pid ${stranger}`));
  change(folder, 'kernel', (text) => text.replace(/^\d+/, `${stranger}`));
  await stop('lost');
  // Each boot counts its processes and their start times from the beginning.
  const startTime = await startTimeOf(stranger);
  change(folder, 'record', (text) =>
    text.replace(/^start_time .*$/m, `start_time ${startTime}`).replace(/^boot_id .*$/m, 'boot_id earlier'),
  );
  writeFileSync(join(folder, 'kernel'), `${stranger} ${startTime}\n`);
  await stop('rebooted');
  const half = join(String(laptop.env.HOME), 'reused.ipynb');
  await done(laptop, 'fetch', 'reused-1', '--output', half);
  assert.deepEqual(readNotebook(half).cells.length, 1);
  await done(laptop, 'clean', '--runs', '--yes');
  assert.ok(!existsSync(folder));
  assert.ok(await startTimeOf(stranger), 'the other process is still running');
  other.kill();
});

test('a run on another node than the one that answers is not followed or stopped in vain: the message names its node', {
  skip: NO_PROC,
}, async () => {
  const { laptop } = world;
  const folder = await begun(world, 'elsewhere');
  change(folder, 'record', (text) => text.replace(/^node .*$/m, 'node oak'));
  assert.equal((await runOf(laptop, 'elsewhere-1'))?.state, 'elsewhere');
  const followed = await stderrOf(1, laptop, 'logs', 'elsewhere-1', '-f');
  assert.match(
    followed,
    /Error: cannot follow elsewhere-1: it is on oak, and loopback is another node this time\n/,
  );
  assert.match(followed, /Use oak as the destination/);
  assert.match(await done(laptop, 'logs', 'elsewhere-1'), /^begun$/m);
  assert.match(await stderrOf(1, laptop, 'stop', 'elsewhere-1'), /the run is on oak/);
  assert.ok(driverOf(world, 'elsewhere-1'), 'its driver is still running');
  change(folder, 'record', (text) => text.replace(/^node .*$/m, `node ${hostname()}`));
  assert.equal((await json<{ outcome: string }>(laptop, 'stop', 'elsewhere-1')).outcome, 'cancelled');
});

test('clean --runs removes the runs that have ended, and not one that is running', {
  skip: NO_PROC,
}, async () => {
  const { laptop } = world;
  const folder = await begun(world, 'stays');
  const lost = await begun(world, 'left');
  const kernel = kernelOf(lost);
  // A kernel that is stopped does not notice that its driver is gone, as below a subreaper.
  signalQuietly(kernel, 'SIGSTOP');
  signalQuietly(driverOf(world, 'left-1'), 'SIGKILL');
  const short = writeNotebook(laptop, 'ended.ipynb', notebookOf('1'));
  // Its driver is still there for a while.
  await done(laptop, 'run', short, 'loopback', '{F}', '--then-on-host', 'sleep 6');
  assert.equal((await untilEnded(world, 'ended-1')).state, 'done');
  const list = await done(laptop, 'clean', '--runs', '--dry-run');
  assert.match(list, /would remove the run ended-1 on loopback \(done\), with its notebook there/);
  assert.ok(existsSync(join(runsOn(world), 'ended-1')));
  assert.notEqual((await laptop.run('clean', '--runs')).code, 0);
  assert.ok(existsSync(join(runsOn(world), 'ended-1')), 'nobody has confirmed it');
  const removed = await done(laptop, 'clean', '--runs', '--yes');
  assert.match(removed, /^removed the run ended-1 /m);
  assert.match(removed, /^removed the run left-1 on loopback \(lost\)/m);
  assert.ok(!world.processes().includes(kernel), 'the kernel of the lost run has ended');
  assert.doesNotMatch(list + removed, /stays/);
  assert.ok(!existsSync(join(runsOn(world), 'ended-1')));
  assert.equal((await runOf(laptop, 'stays-1'))?.state, 'running');
  assert.ok(driverOf(world, 'stays-1'), 'its driver is still running');
  assert.equal((await json<{ outcome: string }>(laptop, 'stop', 'stays-1')).outcome, 'cancelled');
  assert.ok(existsSync(join(folder, 'output.ipynb')));
});

test('ten runs that are started at once get ten names', { skip: NO_PROC }, async () => {
  const laptops = [world.laptop, world.anotherLaptop()];
  const path = writeNotebook(world.laptop, 'ten.ipynb', notebookOf('import os\nprint("PID", os.getpid())'));
  const starts = Array.from({ length: 10 }, (_, n) =>
    laptops[n % 2]?.run('run', path, 'loopback', '{F}', '--json'),
  );
  const names = (await Promise.all(starts)).map((started) => {
    assert.equal(started?.code, 0, started?.stderr);
    return JSON.parse(started?.stdout ?? '').name;
  });
  const expected = Array.from({ length: 10 }, (_, n) => `ten-${n + 1}`);
  assert.deepEqual(
    names.toSorted((a, b) => Number(a.slice(4)) - Number(b.slice(4))),
    expected,
  );
  for (const name of names) assert.equal((await untilEnded(world, name)).state, 'done');
  const logs = names.map((name) => readFileSync(join(runsOn(world), name, 'text'), 'utf8'));
  assert.match(logs[0] ?? '', /^PID \d+$/m);
  assert.equal(new Set(logs).size, 10);
  assert.deepEqual(
    readdirSync(runsOn(world)).filter((name) => name.startsWith('.')),
    [],
  );
});
