import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { notebookOf } from '../hosts/driver.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf } from '../hosts/proc.ts';
import {
  begun,
  driverOf,
  heldVenv,
  largeNotebook,
  printedIn,
  readNotebook,
  runOf,
  runsOn,
  untilEnded,
  writeNotebook,
} from '../hosts/runs.ts';
import { done } from '../hosts/servers.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { programOnHost } from '../hosts/stand-ins.ts';
import { eventually, type Laptop, type Running } from '../hosts/world.ts';

/** The connection is lost in each phase of a run, and the host cannot be reached for a while. */

const world = await worldPerFile();
let laptop: Laptop;
beforeEach(() => {
  laptop = world.anotherLaptop();
});
afterEach(async () => {
  if (!isListening) await comeBack();
});

let isListening = true;
const sshOf = (connected: Laptop) => keeperOf(connected).ssh?.pid ?? 0;
async function cut(ssh = sshOf(laptop)): Promise<void> {
  await world.sshd.stop();
  isListening = false;
  signalQuietly(ssh, 'SIGKILL');
}
async function comeBack(): Promise<void> {
  await world.sshd.start();
  isListening = true;
}

/** The command must fail because the connection was lost. */
async function isLost(running: Running): Promise<string> {
  const { code, stderr } = await running.ended;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^Error: .*loopback/m);
  return stderr;
}

/** What is left on the host of runs with this name: folders, uploads, and processes. */
function leftOn(name: string): string[] {
  const folder = runsOn(world);
  const files = existsSync(folder)
    ? readdirSync(folder).filter((each) => /^\./.test(each) || each.startsWith(name))
    : [];
  const processes = world
    .processes()
    .map(commandLineOf)
    .filter((line) => line.includes(`/${name}-`));
  return [...files, ...processes];
}

async function nothingIsLeft(name: string): Promise<void> {
  await eventually(`nothing is left of ${name}`, () => leftOn(name).length === 0).catch(() =>
    assert.deepEqual(leftOn(name), []),
  );
}

describe('a run whose connection is lost', { skip: NO_PROC }, () => {
  test('while its notebook is sent is not started, and leaves nothing', async () => {
    const [reached, go] = ['reached', 'go'].map((name) => join(world.home, name)) as [string, string];
    const hold = `case $0$# in */cat0) : >'${reached}'; until [ -e '${go}' ]; do sleep 0.05; done ;; esac`;
    programOnHost(world, 'cat', hold, 'exec /bin/cat "$@"');
    const path = writeNotebook(laptop, 'sent.ipynb', largeNotebook(3_000_000, '1'));
    const running = laptop.start('run', path, 'loopback', '{F}');
    await eventually('the upload has begun', () => existsSync(reached), 240_000);
    await cut();
    const stderr = await isLost(running);
    writeFileSync(go, '');
    await nothingIsLeft('sent');
    await comeBack();
    assert.doesNotMatch(stderr, /is running/);
    // A host that crashes in the middle of an upload cannot remove it.
    const [old, recent] = ['.old', '.recent'].map((name) => join(runsOn(world), name)) as [string, string];
    for (const file of [old, recent]) writeFileSync(file, '');
    utimesSync(old, 0, Date.now() / 1000 - 3 * 86_400);
    await done(laptop, 'run', path, 'loopback', '{F}');
    assert.equal((await untilEnded(world, 'sent-1')).state, 'done');
    assert.deepEqual([existsSync(old), existsSync(recent)], [false, true]);
    rmSync(recent);
  });

  test('while its files are sent, because ssh hangs, is not started, and says what to do', async () => {
    const [count, reached, go] = ['count', 'files', 'on'].map((name) => join(world.home, name)) as [
      string,
      string,
      string,
    ];
    // The notebook comes first.
    const hold = `case $0$# in */cat0) echo >>'${count}'; [ "$(wc -l <'${count}')" -lt 2 ] || { : >'${reached}'; until [ -e '${go}' ]; do sleep 0.05; done; } ;; esac`;
    programOnHost(world, 'cat', hold, 'exec /bin/cat "$@"');
    const path = writeNotebook(laptop, 'hung.ipynb', notebookOf('1'));
    writeFileSync(join(dirname(path), 'data'), Buffer.alloc(3_000_000));
    const running = laptop.start('run', path, 'loopback', '{F}', '--with', join(dirname(path), 'data'));
    await eventually('the upload has begun', () => existsSync(reached), 240_000);
    const ssh = sshOf(laptop);
    signalQuietly(ssh, 'SIGSTOP');
    const stderr = await isLost(running);
    assert.match(stderr, /the local ssh process .* \(PID \d+\) does not respond/);
    assert.match(stderr, /could not confirm the cleanup on loopback /);
    signalQuietly(ssh, 'SIGCONT');
    writeFileSync(go, '');
    assert.equal(await runOf(laptop, 'hung-1'), undefined);
    // The next run removes what was sent when it is two days old.
    for (const name of leftOn('hung')) rmSync(join(runsOn(world), name), { force: true });
  });

  test('while its environment is prepared is not started, and leaves nothing', async () => {
    const [reached, go] = ['prepared', 'continue'].map((name) => join(world.home, name)) as [string, string];
    const setup = `: >'${reached}'; until [ -e '${go}' ]; do sleep 0.05; done`;
    const path = writeNotebook(laptop, 'prepared.ipynb', notebookOf('1'));
    const running = laptop.start('run', path, 'loopback', '{F}', '--setup', setup);
    await eventually('the setup runs', () => existsSync(reached), 240_000);
    await cut();
    await isLost(running);
    writeFileSync(go, '');
    await nothingIsLeft('prepared');
  });

  test('while its driver starts is not started, and leaves nothing', async () => {
    const held = heldVenv('driver');
    const path = writeNotebook(laptop, 'driven.ipynb', notebookOf('1'));
    const running = laptop.start('run', path, 'loopback', '{F}', '-e', held.venv);
    await held.reached();
    await cut();
    await isLost(running);
    await nothingIsLeft('driven');
  });

  test('before its start is confirmed is not forgotten: the message says where to look for it', async () => {
    const held = heldVenv('driver');
    const path = writeNotebook(laptop, 'unconfirmed.ipynb', notebookOf('import time; time.sleep(1000)'));
    const running = laptop.start('run', path, 'loopback', '{F}', '-e', held.venv);
    await held.reached();
    // What the host reports does not arrive any more.
    const ssh = sshOf(laptop);
    signalQuietly(ssh, 'SIGSTOP');
    held.go();
    const record = join(runsOn(world), 'unconfirmed-1', 'record');
    await eventually(
      'it is on record',
      () => existsSync(record) && readFileSync(record, 'utf8').includes('boot_id'),
    );
    // Until its script has ended, the host would undo the start by itself.
    const scripts = () =>
      world
        .processes()
        .map(commandLineOf)
        .filter((line) => /\bsh -s?\b *$|\bsh *$/.test(line));
    await eventually('its script has ended', () => scripts().length === 0);
    // The command may have given up, and its keeper may be gone.
    await cut(ssh);
    const stderr = await isLost(running);
    assert.match(stderr, /could not confirm the cleanup on loopback .*remote-notebook runs loopback/);
    await comeBack();
    assert.equal((await runOf(laptop, 'unconfirmed-1'))?.state, 'running');
    await done(laptop, 'stop', 'unconfirmed-1');
    assert.equal(driverOf(world, 'unconfirmed-1'), 0);
  });

  test('while its result comes home leaves no half file, and no file that was there is changed', async () => {
    const held = heldVenv('result');
    const path = writeNotebook(laptop, 'half.ipynb', largeNotebook(1_000_000, 'print("whole")'));
    await done(laptop, 'run', path, 'loopback', '{F}', '-e', held.venv);
    await eventually('it has ended', () => existsSync(join(runsOn(world), 'half-1', 'status')), 240_000);
    const running = laptop.start('fetch', 'half-1');
    await held.reached();
    await cut();
    await isLost(running);
    assert.deepEqual(readdirSync(dirname(path)), ['half.ipynb']);
    held.go();
    await comeBack();
    await done(laptop, 'fetch', 'half-1');
    const result = path.replace('.ipynb', '.out.ipynb');
    assert.equal(
      readFileSync(result, 'utf8'),
      readFileSync(join(runsOn(world), 'half-1', 'output.ipynb'), 'utf8'),
    );
    assert.equal(printedIn(readNotebook(result)), 'whole\n');
  });

  test('while its output is followed is followed on, each line once', async () => {
    const cuts = [5, 40, 90];
    const lines = `import os, time
for n in range(150):
    print("line", n, flush=True)
    time.sleep(0.05)
    while n in ${JSON.stringify(cuts)} and not os.path.exists(f"cut{n}"): time.sleep(0.05)`;
    const path = writeNotebook(laptop, 'followed.ipynb', notebookOf(lines));
    const running = laptop.start('run', path, 'loopback', '{F}', '--wait');
    let last = 0;
    for (const n of cuts) {
      await running.saw(`line ${n}\n`, 'stdout');
      await eventually('the keeper knows its ssh', () => ![0, last].includes(sshOf(laptop)));
      last = sshOf(laptop);
      signalQuietly(last, 'SIGKILL');
      writeFileSync(join(world.home, `cut${n}`), '');
    }
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    const expected = Array.from({ length: 150 }, (_, n) => `line ${n}\n`).join('');
    assert.equal(stdout, `--- cell 1 of 1: import os, time\n${expected}`);
    assert.match(stderr, /the connection to loopback was lost, the run continues; trying again/);
    assert.equal(printedIn(readNotebook(path.replace('.ipynb', '.out.ipynb'))), expected);
  });

  test('is not affected while nobody follows it', async () => {
    await begun(
      { ...world, laptop },
      'alone',
      'import time\nprint("begun", flush=True)\ntime.sleep(3)\nprint("on")',
    );
    await world.sshd.stop();
    isListening = false;
    const status = join(runsOn(world), 'alone-1', 'status');
    await eventually('it has ended', () => existsSync(status), 240_000);
    await comeBack();
    assert.equal((await runOf(laptop, 'alone-1'))?.state, 'done');
    rmSync(join(runsOn(world), 'alone-1'), { recursive: true });
  });
});
