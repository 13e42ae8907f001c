import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { startTimeOf } from '../../src/system/process.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { done, started } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { serversOn, traces } from '../hosts/traces.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

/** A command that is interrupted leaves the server and the tunnel that were there before it. */

const world = worldPerTest();
let laptop: Laptop;
let server: number;
let localPort: number;
beforeEach(async () => {
  laptop = world.laptop;
  const answer = await started(laptop, ...(await ports()));
  server = answer.jupyter.pid;
  localPort = answer.tunnel.localPort;
});

/** Lets what was held go on, and sees that all is as it was before the interrupt. */
async function assertUnchanged(): Promise<void> {
  process.kill(server, 'SIGCONT');
  const { code, stdout } = await laptop.run('status', '--json');
  assert.equal(code, 0, stdout);
  const [spec] = JSON.parse(stdout).servers;
  assert.equal(spec.jupyter.pid, server);
  assert.equal(spec.tunnel.forwards.length, 1);
}

/** Runs a command until it has come so far, interrupts it, and sees that it says so and ends. */
async function interrupt(from: Laptop, args: readonly string[], isReached: () => boolean): Promise<void> {
  const running = from.start(...args);
  await eventually(`${args[0]} is under way`, isReached);
  running.signal('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 130, stdout + stderr);
  assert.match(stderr, /(^|\n)Interrupted\b.*\.\n$/);
}

/** Whether somebody on this machine is connected to the tunnel's port. */
function isAsked(port: number): boolean {
  const [address, established] = [port.toString(16).toUpperCase().padStart(4, '0'), '01'];
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.some(([, , remote, state]) => remote?.endsWith(`:${address}`) && state === established);
}

test('an interrupted status changes nothing', async () => {
  process.kill(server, 'SIGSTOP');
  await interrupt(laptop, ['status'], () => isAsked(localPort));
  await assertUnchanged();
});

test('a second start that is interrupted leaves the server that it would have joined', async () => {
  process.kill(server, 'SIGSTOP');
  await interrupt(laptop, ['start', 'loopback', '{F}', '--no-browser'], () => isAsked(localPort));
  await assertUnchanged();
});

test('a start on another laptop that is interrupted leaves the server, and nothing of its own', async () => {
  const other = world.anotherLaptop();
  process.kill(server, 'SIGSTOP');
  const before = [traces(world, laptop), traces(world, other)];
  const joining = other.start('start', 'loopback', '{F}', '--no-browser');
  await joining.saw('✓ forward');
  joining.signal('SIGINT');
  const { code, stderr } = await joining.ended;
  assert.equal(code, 130, stderr);
  assert.deepEqual([traces(world, laptop), traces(world, other)], before);
  await assertUnchanged();
});

test('a stop on another laptop that is interrupted leaves nothing of its own', async () => {
  const other = world.anotherLaptop();
  // As if a start were at it: stop waits for its end.
  const [name = ''] = readdirSync(serversOn(world));
  const holder = `none ${hostname()} ${process.pid} ${await startTimeOf(process.pid)}`;
  symlinkSync(holder, join(serversOn(world), name, 'lock'));
  const before = [traces(world, laptop), traces(world, other)];
  mkdirSync(dirname(other.configurationFile), { recursive: true });
  writeFileSync(other.configurationFile, 'servers:\n  loopback:\n    destination: loopback\n');
  const stopping = other.start('stop', 'loopback', '{F}');
  await stopping.saw('✓ connect');
  stopping.signal('SIGINT');
  const { code, stderr } = await stopping.ended;
  assert.equal(code, 130, stderr);
  await eventually('nothing of its own is left', () =>
    isDeepStrictEqual([traces(world, laptop), traces(world, other)], before),
  );
  await assertUnchanged();
});

test('a stop that is interrupted can be repeated', async () => {
  process.kill(server, 'SIGSTOP');
  await interrupt(laptop, ['stop'], () => isAsked(localPort));
  process.kill(server, 'SIGCONT');
  await done(laptop, 'stop');
  assert.deepEqual(traces(world, laptop), []);
});

test('logs -f ends when it is interrupted, and follows no longer on the host', async () => {
  const follows = () => world.processes().some((pid) => commandLineOf(pid).startsWith('tail -n'));
  await interrupt(laptop, ['logs', '-f'], follows);
  await eventually('the host follows no longer', () => !follows());
  await assertUnchanged();
});

test('a forward that is interrupted while it connects keeps no port that it was asked for', async () => {
  const state = keeperOf(laptop);
  for (const identity of [state.keeper, state.ssh]) process.kill(identity?.pid ?? 0, 'SIGKILL');
  process.kill(world.sshd.pid(), 'SIGSTOP');
  await interrupt(laptop, ['forward', 'loopback', '6006'], () => isAsked(world.sshd.port));
  process.kill(world.sshd.pid(), 'SIGCONT');
  await done(laptop, 'forward');
  await assertUnchanged();
});
