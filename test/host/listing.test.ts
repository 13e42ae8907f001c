import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { HostListing } from '../../src/model/listing.ts';
import { makeAccount } from '../hosts/accounts.ts';
import { type ByHand, startByHand } from '../hosts/by-hand.ts';
import { NO_ACCOUNTS } from '../hosts/needs.ts';
import { done, type Shown, serverRecord, started } from '../hosts/servers.ts';
import { freePort, ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { nothingIsLeft, traces } from '../hosts/traces.ts';
import { eventually, type Laptop, makeWorld, type World } from '../hosts/world.ts';

/** What `status --all` finds on a host: servers of this program, and those that were started by hand. */

let world: World;
let runtime: string;
let own: Shown;
let classic: ByHand;
let onSocket: ByHand;
let socketFolder: string;
before(async () => {
  world = await makeWorld();
  runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime');
  own = await started(world.laptop, ...(await ports()));
  const directory = join(world.home, "it's my work");
  mkdirSync(directory);
  // The session of ssh has no such variable: only the server's own process does.
  const env = { JUPYTER_RUNTIME_DIR: join(world.home, 'runtime of an environment') };
  classic = await startByHand(world, 'notebook', [`--port=${await freePort()}`], { cwd: directory, env });
  socketFolder = makeFolder('rn-socket-');
  onSocket = await startByHand(world, 'server', [`--ServerApp.sock=${join(socketFolder, 'my socket')}`]);
});
after(async () => {
  await world.remove();
});
/** Files that a test has put beside the runtime files. */
const litter: string[] = [];
afterEach(() => {
  for (const path of litter.splice(0)) rmSync(path, { force: true });
});

/** The list without the servers of other tests, which have the same user. */
async function listing(laptop: Laptop): Promise<HostListing> {
  const all = JSON.parse(await done(laptop, 'status', 'loopback', '{F}', '--all', '--json'));
  const isOfWorld = (path: string) => path.startsWith(world.home);
  return {
    ...all,
    servers: all.servers.filter(({ pid }: { pid: number }) => world.processes().includes(pid)),
    absent: all.absent.filter(isOfWorld),
    unreadable: all.unreadable.filter(isOfWorld),
  };
}

/** Puts a file of any kind beside the runtime files. */
function drop(name: string, make: (path: string) => void): string {
  const path = join(runtime, name);
  make(path);
  litter.push(path);
  return path;
}

test('every server of the user is listed, no matter what started it and where its runtime file is', async () => {
  const { servers, ...rest } = await listing(world.anotherLaptop());
  const shown = Object.fromEntries(servers.map(({ pid, startedAt, ...server }) => [pid, server]));
  assert.deepEqual(shown, {
    [own.jupyter.pid]: {
      port: own.jupyter.port,
      socket: null,
      version: null,
      command: 'jupyter notebook',
      directory: world.home,
      startedBy: 'remote-notebook',
      startedFrom: hostname(),
      names: ['loopback'],
      passwordOnly: false,
    },
    [classic.pid]: {
      port: classic.port,
      socket: null,
      version: null,
      command: 'jupyter notebook',
      directory: join(world.home, "it's my work"),
      startedBy: 'other',
      startedFrom: null,
      names: [],
      passwordOnly: false,
    },
    [onSocket.pid]: {
      port: null,
      socket: join(socketFolder, 'my socket'),
      version: shown[onSocket.pid]?.version,
      command: 'jupyter server',
      directory: world.home,
      startedBy: 'other',
      startedFrom: null,
      names: [],
      passwordOnly: false,
    },
  });
  assert.match(shown[onSocket.pid]?.version ?? '', /^\d+\.\d+/);
  for (const { startedAt } of servers)
    assert.ok(Math.abs(Date.now() - Date.parse(startedAt ?? '')) < 600_000);
  assert.deepEqual(rest, {
    destination: 'loopback',
    node: hostname(),
    elsewhere: [],
    absent: [],
    unreadable: [],
  });
});

test('the table has a row for each server, and no token', async () => {
  const table = await done(world.laptop, 'status', 'loopback', '{F}', '--all');
  const [titles, ...rows] = table.trimEnd().split('\n');
  assert.match(titles ?? '', /^PID +PORT +SERVER +UP +NAME +STARTED BY +DIRECTORY$/);
  const rowOf = (pid: number) => rows.find((row) => row.startsWith(`${pid} `)) ?? '';
  assert.match(rowOf(own.jupyter.pid), /\d+ (s|min) +loopback +remote-notebook on \S+ +\//);
  assert.match(rowOf(classic.pid), / jupyter notebook +\d+ (s|min) +- +another program +\/.*it's my work$/);
  assert.match(rowOf(onSocket.pid), /\/my socket +jupyter server \d/);
  for (const token of [serverRecord(world.laptop).token, classic.token, onSocket.token])
    assert.equal(table.includes(token), false);
});

test('a connection that was opened for a list is closed, and the connection of a server stays', async () => {
  const laptop = world.anotherLaptop();
  await listing(laptop);
  await eventually('it is closed', () =>
    traces(world, laptop).every((trace) => !trace.includes(laptop.stateFolder)),
  );
  await listing(world.laptop);
  assert.equal((await world.laptop.run('status')).code, 0);
});

test('runtime files whose process has ended, or is now another program, are listed and not removed', async () => {
  const content = (pid: number) =>
    readFileSync(onSocket.file, 'utf8').replace(String(onSocket.pid), `${pid}`);
  const gone = 2 ** 22 + 1;
  const dead = drop(`jpserver-${gone}.json`, (path) => writeFileSync(path, content(gone)));
  const other = world.sshd.pid();
  const reused = drop(`jpserver-${other}.json`, (path) => writeFileSync(path, content(other)));
  const { servers, absent } = await listing(world.laptop);
  assert.equal(servers.length, 3);
  assert.deepEqual(absent.toSorted(), [dead, reused].toSorted());
  for (const path of [dead, reused])
    assert.match(
      await done(world.laptop, 'status', 'loopback', '{F}', '--all'),
      new RegExp(`^No server is running on .* for the runtime file ${path} `, 'm'),
    );
  assert.ok(readdirSync(runtime).includes(`jpserver-${gone}.json`));
});

test('a file that only has the name of a runtime file does not block the list', async () => {
  const { pid } = classic;
  const odd = [
    drop(`nbserver-${process.pid}.json`, (path) => execFileSync('mkfifo', [path])),
    drop(`nbserver-${process.ppid}.json`, (path) => symlinkSync('/dev/zero', path)),
    drop(`jpserver-${pid}.json`, (path) => writeFileSync(path, '{"pid": 1, "port": 22, "token": ""}')),
    drop(`nbserver-${own.jupyter.pid}.json.d`, (path) => writeFileSync(path, '')),
    drop(`jpserver-${own.jupyter.pid}.json`, (path) =>
      writeFileSync(path, `\x1b]0;x\x07\n@remote-notebook servers\n\0${'x'.repeat(100_000)}`),
    ),
    drop('jpserver-1\n@remote-notebook file x.json', (path) => writeFileSync(path, '{}')),
    drop('nbserver-$(touch x).json', (path) => writeFileSync(path, '{}')),
  ];
  const { servers, absent, unreadable } = await listing(world.laptop);
  assert.deepEqual(
    servers.map(({ pid }) => pid).toSorted(),
    [own.jupyter.pid, classic.pid, onSocket.pid].toSorted(),
  );
  assert.deepEqual(absent, []);
  assert.deepEqual(unreadable.toSorted(), [odd[0], odd[1], odd[2], odd[4]].toSorted());
});

test('if there are no servers, the list reports that, and it is not a failure', {
  skip: NO_ACCOUNTS,
}, async () => {
  const account = makeAccount('bash');
  const empty = await makeWorld({ account });
  try {
    assert.equal(
      await done(empty.laptop, 'status', 'loopback', '{F}', '--all'),
      'You have no running Jupyter servers on loopback.\n',
    );
    await nothingIsLeft(empty);
  } finally {
    await empty.remove();
    await account.remove();
  }
});
