import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { done, serverRecord, started, stderrOf } from '../hosts/servers.ts';
import { eventually } from '../hosts/world.ts';

const world = await worldPerFile();
/** The file on the host. */
let log: string;
/** What runs while nobody follows. */
let quiet: number[];

before(async () => {
  await started(world.laptop);
  log = join(serverRecord(world.laptop).folder, 'log');
  await eventually('the host is quiet', () => shells().length === 0);
  quiet = world.processes();
});

/** The processes on the host that print a log. */
function shells(): number[] {
  return world.processes().filter((pid) => /^(\/bin\/)?(sh|tail)\0-/.test(commandOf(pid)));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function noFollowerIsLeft(): Promise<void> {
  await eventually('no follower is left, here or on the host', () => {
    const now = world.processes();
    return now.length === quiet.length && now.every((pid) => quiet.includes(pid));
  });
}

/** What stands in the file, where Jupyter itself writes dots for the token. */
function logLines(): string[] {
  return readFileSync(log, 'utf8').replaceAll('token=...', 'token=…').trimEnd().split('\n');
}

test('logs prints what Jupyter wrote on the host, line by line', async () => {
  assert.equal(await done(world.laptop, 'logs'), `${logLines().join('\n')}\n`);
});

test('logs -n prints that many of the last lines', async () => {
  assert.ok(logLines().length > 2);
  assert.equal(await done(world.laptop, 'logs', '-n', '2'), `${logLines().slice(-2).join('\n')}\n`);
});

test('a token that is in the log is not shown', async () => {
  const { token } = serverRecord(world.laptop);
  appendFileSync(log, `302 GET /?token=${token} (127.0.0.1)\n`);
  const shown = await done(world.laptop, 'logs', '-n', '1');
  assert.equal(shown, '302 GET /?token=… (127.0.0.1)\n');
});

test('logs -f prints each line as it comes', async () => {
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

test('logs prints a last line that has no end yet', async () => {
  const whole = readFileSync(log, 'utf8');
  appendFileSync(log, 'Segmentation fault');
  assert.equal(await done(world.laptop, 'logs', '-n', '1'), 'Segmentation fault\n');
  writeFileSync(log, whole);
});

test('logs -f prints a line that is written in two halves as one, and nothing that is not of the log', async () => {
  const following = world.laptop.start('logs', '-f', '-n', '1');
  appendFileSync(log, 'before\n');
  await following.saw('before', 'stdout');
  appendFileSync(log, '10 %');
  // Two of its looks whether the server lives.
  await lookedTwice();
  appendFileSync(log, ' 20 %\n');
  await following.saw('20 %', 'stdout');
  following.signal('SIGINT');
  const { stdout } = await following.ended;
  assert.equal(stdout.trimEnd().split('\n').at(-1), '10 % 20 %');
  await noFollowerIsLeft();
});

/** The follower on the host sleeps between its looks: each sleep is a process of its own. */
async function lookedTwice(): Promise<void> {
  const seen = new Set<number>();
  await eventually('the follower has looked twice', () => {
    for (const pid of world.processes()) if (commandOf(pid) === 'sleep\x001\0') seen.add(pid);
    return seen.size > 2;
  });
}

test('a follower that is killed leaves no process behind, here or on the host', async () => {
  const following = world.laptop.start('logs', '-f');
  await following.saw('is running at', 'stdout');
  assert.ok(shells().length > 0, 'it follows on the host');
  following.signal('SIGKILL');
  await following.ended;
  await noFollowerIsLeft();
});

test('another laptop reads the log without having started anything, and leaves no connection', async () => {
  const laptop = world.anotherLaptop();
  await started(laptop);
  await done(laptop, 'stop', '--keep-server');
  await done(laptop, 'start', 'loopback', '{F}', '--no-browser', '--save', 'loopback');
  await done(laptop, 'stop', '--keep-server');
  assert.match(await done(laptop, 'logs', 'loopback', '{F}'), /is running at/);
  await noFollowerIsLeft();
});

test('logs -f ends when the server is stopped, and says so', async () => {
  const following = world.laptop.start('logs', '-f');
  await following.saw('is running at', 'stdout');
  await done(world.laptop, 'stop');
  const { code, stderr } = await following.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the server has ended|another command stopped "loopback" or closed its tunnel/);
  await eventually('nothing is left', () => world.processes().length === 0);
});

test('the log of a server that was stopped is nowhere, and the error says how to get a new one', async () => {
  await started(world.laptop);
  await done(world.laptop, 'start', 'loopback', '{F}', '--no-browser', '--save', 'loopback');
  await done(world.laptop, 'stop');
  const stderr = await stderrOf(1, world.laptop, 'logs', 'loopback', '{F}');
  assert.equal(
    stderr,
    `Error: "loopback" is not running on loopback, and has no log there
Stopping a server deletes its log. Start it again: remote-notebook start loopback
`,
  );
  assert.deepEqual(world.processes(), []);
});
