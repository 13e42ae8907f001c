import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { worldPerFile } from '../hosts/lasting.ts';
import { missing } from '../hosts/needs.ts';
import { hasFlag, heldCommand } from '../hosts/phases.ts';
import { done, type Shown, serverRecord, started, statusOf } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { shownOn } from '../hosts/terminal.ts';
import { eventually, PROGRAM } from '../hosts/world.ts';

const world = await worldPerFile();
let first: Shown;
before(async () => {
  first = await started(world.laptop);
});

const STATUS = ['state', 'name', 'destination', 'directory', 'url', 'jupyter', 'tunnel', 'job', 'resources'];
const SERVER = [
  'state',
  'pid',
  'port',
  'socket',
  'version',
  'command',
  'startedAt',
  'kernel',
  'keepsOutput',
  'roundTripMs',
  'reason',
  'kernels',
  'deaths',
  'log',
  'adopted',
];
const TUNNEL = [
  'state',
  'wanted',
  'pid',
  'localPort',
  'since',
  'forwards',
  'down',
  'tries',
  'nextTryAt',
  'resumes',
  'buffered',
  'reason',
  'remedy',
];

test('status --json has the same keys whether everything works or nothing does', async () => {
  const status = JSON.parse(await done(world.laptop, 'status', '--json'));
  assert.deepEqual(Object.keys(status), ['servers', 'runs']);
  assert.equal(status.servers.length, 1);
  const laptop = world.anotherLaptop();
  const other = await started(laptop, '--name', 'other');
  process.kill(other.jupyter.pid, 'SIGKILL');
  const down = await laptop.run('status', '--json');
  assert.equal(down.code, 3);
  for (const spec of [status.servers[0], JSON.parse(down.stdout).servers[0]]) {
    assert.deepEqual(Object.keys(spec), STATUS);
    assert.deepEqual(Object.keys(spec.jupyter), SERVER);
    assert.deepEqual(Object.keys(spec.tunnel), TUNNEL);
  }
  await done(laptop, 'stop');
});

test('the page for scripts lists each field of a tunnel', () => {
  const page = readFileSync(new URL('../../docs/how-to/scripts.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('### The tunnel in');
  assert.deepEqual(
    [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field),
    TUNNEL,
  );
});

test('status shows the same as the start, and the version that the API returns', async () => {
  const now = await statusOf(world.laptop);
  const { joined: _, phases: __, ...then } = first as Shown & { phases: unknown };
  assert.ok(now.jupyter.roundTripMs >= 0);
  assert.deepEqual([now.jupyter.kernels, now.jupyter.deaths], [[], []]);
  assert.deepEqual(
    { ...now, jupyter: { ...now.jupyter, roundTripMs: null, kernels: null, deaths: null } },
    // Only the start asks for it.
    { ...then, jupyter: { ...then.jupyter, keepsOutput: null } },
  );
});

test('the table has a row for each server, in columns, without the token', async () => {
  const table = await done(world.laptop, 'status');
  const [title = '', row = '', ...rest] = table.split('\n');
  assert.deepEqual(title.split(/ {2,}/), [
    'NAME',
    'SERVER',
    'TUNNEL',
    'URL',
    'UP',
    'KERNELS',
    'HOST',
    'DIRECTORY',
  ]);
  assert.match(
    row,
    /^loopback {2}running \d+ ms {2}connected {2,}http:\/\/127\.0\.0\.1:\d+\/ {2}\d+ (s|min) {2,}0 {8}loopback {2}\//,
  );
  assert.equal(row.indexOf('http:'), title.indexOf('URL'));
  assert.deepEqual(rest, ['']);
  assert.equal(table.includes(serverRecord(world.laptop).token), false);
});

test('the table lists the additional ports of a tunnel, and only counts them if there are many', async () => {
  const laptop = world.anotherLaptop();
  await started(laptop, '--name', 'more');
  const ports: number[] = [];
  const shown = async () => {
    ports.push(await freePort());
    await done(laptop, 'forward', 'more', `${ports.at(-1)}:localhost:80`);
    return / (connected .*?) {2}/.exec(await done(laptop, 'status'))?.[1];
  };
  const [one, two, three, four] = [await shown(), await shown(), await shown(), await shown()];
  assert.deepEqual(
    [one, two, three, four],
    [
      `connected +${ports[0]}`,
      `connected +${ports[0]} +${ports[1]}`,
      `connected +${ports[0]} +${ports[1]} +${ports[2]}`,
      `connected +${ports[0]} +${ports[1]} +2 more`,
    ],
  );
  await done(laptop, 'stop');
});

test('a table fits a narrow terminal with complete names, states and URLs; a pipe gets the whole table', {
  skip: missing('python3'),
}, async () => {
  const laptop = world.anotherLaptop();
  const shown = (width: number, ...more: string[]) =>
    shownOn(width, [...PROGRAM, 'status', 'deep', ...more], laptop.env);
  const directory = join(world.home, 'where the data of all of the many experiments of the last years lies');
  mkdirSync(directory);
  const { url, jupyter: server } = await started(laptop, '--name', 'deep', '--directory', directory);
  assert.ok((await done(laptop, 'status', 'deep')).endsWith(`${directory}\n`));
  for (const width of [60, 80, 110]) {
    const [title = '', row = '', ...rest] = await shown(width);
    assert.deepEqual(rest, []);
    assert.ok(title.length <= width && row.length <= width, row);
    assert.ok(row.startsWith('deep  running ') && row.includes(` connected  ${url}`), row);
    assert.equal(row.includes('…'), title.endsWith('DIRECTORY'));
    assert.equal(title.endsWith('DIRECTORY'), width === 110);
  }
  const [, wide = ''] = await shown(400);
  assert.ok(wide.endsWith(directory), wide);
  const servers = await shown(80, '--all');
  const row = servers.find((line) => line.startsWith(`${server.pid} `)) ?? '';
  assert.ok(row.length <= 80 && row.includes(' deep ') && row.includes('…'), row);
  await done(laptop, 'stop');
});

test('status NAME shows only that server', async () => {
  await started(world.laptop, '--name', 'second');
  const all = JSON.parse(await done(world.laptop, 'status', '--json')).servers;
  assert.deepEqual(
    all.map(({ name }: Shown) => name),
    ['loopback', 'second'],
  );
  const one = JSON.parse(await done(world.laptop, 'status', 'second', '--json')).servers;
  assert.deepEqual(
    one.map(({ name }: Shown) => name),
    ['second'],
  );
  process.kill(one[0].jupyter.pid, 'SIGKILL');
  assert.equal((await world.laptop.run('status', 'loopback')).code, 0);
  assert.equal((await world.laptop.run('status', 'second')).code, 3);
  assert.equal((await world.laptop.run('status')).code, 3);
  await done(world.laptop, 'stop', 'second');
});

test('a killed server is shown with the end of its log', async () => {
  const laptop = world.anotherLaptop();
  const { jupyter: server } = await started(laptop, '--name', 'doomed');
  process.kill(server.pid, 'SIGKILL');
  const { code, stdout } = await laptop.run('status');
  assert.equal(code, 3);
  assert.match(stdout, /^doomed {2}stopped {2}connected /m);
  assert.match(
    stdout,
    /The server is gone\. Start it again: remote-notebook start \w+\n +The end of its log:\n(.*\n)*.*is running at/,
  );
  await done(laptop, 'stop');
});

test('without any server, status succeeds and shows how to start one', async () => {
  const laptop = world.anotherLaptop();
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, 'servers:\n  work: { destination: loopback }\n');
  for (const [said, ...name] of [
    ['No servers are running. Start one: remote-notebook start user@host'],
    ['"work" is not running. Start it: remote-notebook start work', 'work'],
  ]) {
    assert.equal(await done(laptop, 'status', ...name), `${said}\n`);
    assert.deepEqual(JSON.parse(await done(laptop, 'status', ...name, '--json')), { servers: [], runs: [] });
  }
});

test('a server is shown as starting during its start, but not after the start was killed', async () => {
  const laptop = world.anotherLaptop();
  const words = ['start', 'loopback', '{F}', '--no-browser', '--name', 'other', '--directory', 'elsewhere'];
  mkdirSync(join(world.home, 'elsewhere'));
  const start = laptop.start(...words, '--command', heldCommand(world));
  await hasFlag(world);
  const state = async () => (await statusOf(laptop))?.jupyter.state;
  await eventually('it is on record', async () => (await state()) === 'starting');
  start.signal('SIGKILL');
  await start.ended;
  assert.equal(await state(), 'unknown');
  await laptop.run('stop');
});
