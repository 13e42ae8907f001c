import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { NO_PROC } from '../hosts/needs.ts';
import { commandLineOf, ENDED, factOf } from '../hosts/proc.ts';
import { done, serverRecord } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** Where the token of a server can be read: only in files that only its owner can read. */

const needsProc = { skip: NO_PROC };

const world = await worldPerFile();
/** Everything that was printed, on either output. */
let printed = '';
let token: string;
/** Every argument list of any process that was seen on this machine. */
const seen = new Set<string>();
const SETS_UP_FORWARD = /^ssh .* -O forward /;

before(async () => {
  const browser = join(world.home, 'browser');
  writeFileSync(browser, '#!/bin/sh\nprintf "%s\\n" "$@" >"$0.arguments"\nsleep 1\n', { mode: 0o755 });
  world.laptop.env.BROWSER = browser;
  const watcher = setInterval(look, 3);
  try {
    await show('start', 'loopback', '{F}');
    token = serverRecord(world.laptop).token;
    await show('start', 'loopback', '{F}', '--verbose', '--json');
    await show('status');
    await show('status', '--json', '--verbose');
    await show('forward', 'loopback', '--json', '--verbose');
    await show('open');
    await show('open', '--json', '--verbose');
    await show('logs', '--verbose');
    await eventually('the browser was asked', () => existsSync(`${browser}.arguments`));
    // It runs only for a moment: a busy machine may show it only in a later try.
    await eventually('the ssh that sets up a forward was seen', async () => {
      if (needsProc.skip || wasSeen(SETS_UP_FORWARD)) return true;
      await show('forward', 'loopback', String(await freePort()), '--verbose');
      return false;
    });
  } finally {
    clearInterval(watcher);
  }
});

function wasSeen(program: RegExp): boolean {
  return [...seen].some((line) => program.test(line));
}

function look(): void {
  for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid)) seen.add(commandLineOf(Number(pid)));
}

async function show(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await world.laptop.run(...args);
  assert.equal(code, 0, stderr);
  // The first start prints the URL as Jupyter does, with its token, for the user's eyes.
  printed += args.length === 3 ? stderr : stdout + stderr;
}

/** The files below a folder that contain the token. */
function holders(folder: string): string[] {
  // Its exit status tells only that a file has vanished meanwhile, or that no file contains it.
  const { stdout } = spawnSync('grep', ['-rlF', '-e', token, folder], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean);
}

test('the token is never in the argument list of a process', needsProc, () => {
  for (const program of [/ --keep /, SETS_UP_FORWARD, /notebook-dir=/, /^\/bin\/sh .*browser file:/])
    assert.ok(wasSeen(program), `${program} was seen`);
  assert.deepEqual(
    [...seen].filter((line) => line.includes(token)),
    [],
  );
});

test(
  'the token is only in the environment of its server and of the processes that the server starts',
  needsProc,
  () => {
    const holding = world.processes().filter((pid) => factOf(pid, 'environ').includes(token));
    assert.deepEqual(
      holding.map(commandLineOf).filter((line) => line !== ENDED && !/notebook-dir=/.test(line)),
      [],
    );
  },
);

test('no output shows the token: no status, no log, nothing with --json or --verbose', () => {
  assert.match(printed, /"joined": true/);
  assert.match(printed, /is running at/);
  assert.equal(printed.includes(token), false);
});

test('on the laptop the token is in files of mode 0600 in folders of mode 0700, and in no log', () => {
  const files = holders(world.laptop.env.HOME as string);
  assert.deepEqual(files.map((file) => file.replace(`${world.laptop.stateFolder}/`, '')).sort(), [
    'open-loopback.html',
    'state.json',
  ]);
  for (const file of files) {
    assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.equal(statSync(dirname(file)).mode & 0o777, 0o700, file);
  }
});

test('on the host, the token is in one file of ours, with mode 0600, and in the files of Jupyter', () => {
  const { folder } = serverRecord(world.laptop);
  const runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime');
  const files = holders(world.home);
  assert.deepEqual(
    files.filter((file) => dirname(file) !== runtime),
    [join(folder, 'server.json')],
  );
  assert.equal(statSync(join(folder, 'server.json')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(runtime).mode & 0o777, 0o700);
});

test('stop removes the file that was passed to the browser', async () => {
  const [argument] = readFileSync(join(world.home, 'browser.arguments'), 'utf8').split('\n');
  const page = join(world.laptop.stateFolder, 'open-loopback.html');
  assert.equal(argument, `file://${page}`);
  await done(world.laptop, 'stop');
  assert.deepEqual(holders(dirname(world.home)), []);
});
