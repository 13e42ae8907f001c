import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { factOf } from '../hosts/proc.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { noProcessIsLeft, quietProcesses } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

const world = await worldPerFile();
/** The file on the host. */
let log: string;
/** The processes that run while nobody follows the log. */
let quiet: number[];

before(async () => {
  for (const name of ['kept', 'other']) mkdirSync(join(world.home, name));
  await started(world.laptop);
  log = join(serverRecord(world.laptop).folder, 'log');
  quiet = await quietProcesses(world);
});

/** The processes on the host that print a log. */
function shells(): number[] {
  return world.processes().filter((pid) => /^(\/bin\/)?(sh|tail)\0-/.test(factOf(pid, 'cmdline')));
}

async function noFollowerIsLeft(): Promise<void> {
  await eventually('no follower is left, here or on the host', () => {
    const now = world.processes();
    return now.length === quiet.length && now.every((pid) => quiet.includes(pid));
  });
}

/** The URL in the log file, in which Jupyter itself writes dots for the token. */
function logLines(): string[] {
  return readFileSync(log, 'utf8').replaceAll('token=...', 'token=…').trimEnd().split('\n');
}

test('logs prints what Jupyter wrote on the host, line by line', async () => {
  assert.equal(await done(world.laptop, 'logs'), `${logLines().join('\n')}\n`);
});

test('logs -n prints this number of lines from the end', async () => {
  assert.ok(logLines().length > 2);
  assert.equal(await done(world.laptop, 'logs', '-n', '2'), `${logLines().slice(-2).join('\n')}\n`);
});

test('a token in the log is not shown', async () => {
  const { token } = serverRecord(world.laptop);
  appendFileSync(log, `302 GET /?token=${token} (127.0.0.1)\n`);
  const shown = await done(world.laptop, 'logs', '-n', '1');
  assert.equal(shown, '302 GET /?token=… (127.0.0.1)\n');
});

test('logs -f prints each line as soon as it is written', async () => {
  const following = world.laptop.start('logs', '-f', '-n', '1');
  for (const line of ['the first new line', 'the second new line']) {
    await following.saw(line === 'the first new line' ? '302 GET' : 'the first new line', 'stdout');
    appendFileSync(log, `${line}\n`);
    await following.saw(line, 'stdout');
  }
  following.signal('SIGINT');
  assert.equal((await following.ended).code, 130);
  await noFollowerIsLeft();
});

test('logs prints an incomplete last line', async () => {
  const whole = readFileSync(log, 'utf8');
  appendFileSync(log, 'Segmentation fault');
  assert.equal(await done(world.laptop, 'logs', '-n', '1'), 'Segmentation fault\n');
  writeFileSync(log, whole);
});

test('logs -f prints a line that is written in two parts as one line, and prints nothing but the log', async () => {
  const following = world.laptop.start('logs', '-f', '-n', '1');
  appendFileSync(log, 'before\n');
  await following.saw('before', 'stdout');
  appendFileSync(log, '10 %');
  // The time of two of its checks whether the server is running.
  await lookedTwice();
  appendFileSync(log, ' 20 %\n');
  await following.saw('20 %', 'stdout');
  following.signal('SIGINT');
  const { stdout } = await following.ended;
  assert.equal(stdout.trimEnd().split('\n').at(-1), '10 % 20 %');
  await noFollowerIsLeft();
});

/** The process on the host that follows the log sleeps between its checks; each sleep is another process. */
async function lookedTwice(): Promise<void> {
  const seen = new Set<number>();
  await eventually('the follower has looked twice', () => {
    for (const pid of world.processes()) if (factOf(pid, 'cmdline') === 'sleep\x001\0') seen.add(pid);
    return seen.size > 2;
  });
}

test('a killed logs -f leaves no process behind, here or on the host', async () => {
  const following = world.laptop.start('logs', '-f');
  await following.saw('is running at', 'stdout');
  assert.ok(shells().length > 0, 'it follows on the host');
  following.signal('SIGKILL');
  await following.ended;
  await noFollowerIsLeft();
});

test('another laptop can read the log without a start, and leaves no connection', async () => {
  const laptop = world.anotherLaptop();
  await started(laptop);
  await done(laptop, 'stop', '--keep-server');
  await done(laptop, 'start', 'loopback', '{F}', '--no-browser', '--save', 'loopback');
  await done(laptop, 'stop', '--keep-server');
  assert.match(await done(laptop, 'logs', 'loopback', '{F}'), /is running at/);
  await noFollowerIsLeft();
});

test('logs -f ends when the server is stopped, and reports that', async () => {
  const following = world.laptop.start('logs', '-f');
  await following.saw('is running at', 'stdout');
  await done(world.laptop, 'stop');
  const { code, stderr } = await following.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the server has ended|another command stopped "loopback" or closed its tunnel/);
  await noProcessIsLeft(world);
});

test('the log of a stopped server is kept, readable only by its owner, and logs prints it', async () => {
  await started(world.laptop, '--name', 'kept', '--directory', 'kept');
  const { folder } = serverRecord(world.laptop, 'kept');
  const file = join(folder, 'log');
  await done(world.laptop, 'stop', 'kept');
  appendFileSync(file, 'the very last line\n');
  for (const words of [['kept'], ['kept', '-f']]) {
    const { code, stdout, stderr } = await world.laptop.run('logs', ...words);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /is running at[\s\S]*\nthe very last line\n$/);
    assert.match(stderr, /"kept" is not running; this is the log of its last run/);
  }
  assert.deepEqual([readdirSync(folder), statSync(file).mode & 0o777], [['log'], 0o600]);
  await noProcessIsLeft(world);
});

test('the log of a killed Jupyter is kept, even after its record is removed', async () => {
  const { jupyter: server } = await started(world.laptop, '--name', 'killed');
  process.kill(server.pid, 'SIGKILL');
  assert.match(await done(world.laptop, 'logs', 'killed'), /is running at/);
  assert.match(await done(world.laptop, 'clean'), /the record of "killed"/);
  assert.match(await done(world.laptop, 'logs', 'killed'), /is running at/);
});

test('another laptop finds the log of a stopped server by its name, even if the directory no longer exists', async () => {
  const laptop = world.anotherLaptop();
  await done(
    laptop,
    'start',
    'loopback',
    '{F}',
    '--no-browser',
    '--name',
    'kept',
    '-d',
    'other',
    '--save',
    'kept',
  );
  await done(laptop, 'stop', 'kept');
  renameSync(join(world.home, 'other'), join(world.home, 'renamed'));
  assert.match(await done(laptop, 'logs', 'kept'), /is running at/);
});

test('without a log, the error reports that, and how to start the server', async () => {
  await started(world.laptop, '--name', 'none', '--directory', 'kept');
  const { folder } = serverRecord(world.laptop, 'none');
  await done(world.laptop, 'stop', 'none');
  rmSync(folder, { recursive: true });
  const stderr = await stderrOf(1, world.laptop, 'logs', 'none');
  assert.match(
    stderr,
    /^Error: "none" is not running on loopback, and there is no log of an earlier run\nStart it: remote-notebook start loopback --directory=kept .*--name=none\n$/,
  );
  await noProcessIsLeft(world);
});
