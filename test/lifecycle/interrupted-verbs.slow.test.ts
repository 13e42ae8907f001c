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
import { signalTo } from '../hosts/signal.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { nothingIsLeft, quietProcesses, serversOn, traces } from '../hosts/traces.ts';
import { eventually, type Laptop } from '../hosts/world.ts';

/** A command that is interrupted leaves the server and the tunnel that were there before it. */

const world = worldPerTest();
let laptop: Laptop;
let server: number;
let localPort: number;
beforeEach(async () => {
  laptop = world.laptop;
  const answer = await started(laptop, ...(await ownLocalPort()));
  server = answer.jupyter.pid;
  localPort = answer.tunnel.localPort;
});

/** Continues what was paused, and verifies that everything is as it was before the interrupt. */
async function assertUnchanged(): Promise<void> {
  process.kill(server, 'SIGCONT');
  const { code, stdout } = await laptop.run('status', '--json');
  assert.equal(code, 0, stdout);
  const [spec] = JSON.parse(stdout).servers;
  assert.equal(spec.jupyter.pid, server);
  assert.equal(spec.tunnel.forwards.length, 1);
}

/** Runs a command up to this point, interrupts it, and verifies that it reports that and ends. Returns its output. */
async function interrupt(from: Laptop, args: readonly string[], isReached: () => boolean): Promise<string> {
  const running = from.start(...args);
  await eventually(`${args[0]} is under way`, isReached);
  running.signal('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 130, stdout + stderr);
  assert.match(stderr, /(^|\n)Interrupted\b.*\n$/);
  return stderr;
}

/** What there is for two laptops while no command runs. Returns a check that waits until it is the same again. */
async function asBefore(other: Laptop): Promise<() => Promise<void>> {
  await quietProcesses(world);
  const now = () => [traces(world, laptop), traces(world, other)];
  const before = now();
  return () =>
    eventually('all is as before', () => isDeepStrictEqual(now(), before)).catch(() =>
      assert.deepEqual(now(), before),
    );
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

test('an interrupted second start does not affect the running server', async () => {
  process.kill(server, 'SIGSTOP');
  await interrupt(laptop, ['start', 'loopback', '{F}', '--no-browser'], () => isAsked(localPort));
  await assertUnchanged();
});

test('an interrupted start on another laptop keeps the server, and leaves nothing else', async () => {
  const other = world.anotherLaptop();
  const allIsAsBefore = await asBefore(other);
  process.kill(server, 'SIGSTOP');
  const joining = other.start('start', 'loopback', '{F}', '--no-browser');
  await joining.saw('✓ forward');
  joining.signal('SIGINT');
  const { code, stderr } = await joining.ended;
  assert.equal(code, 130, stderr);
  await allIsAsBefore();
  await assertUnchanged();
});

test('an interrupted stop on another laptop leaves nothing there', async () => {
  const other = world.anotherLaptop();
  // As if a start were in progress: stop waits for its end.
  const [name = ''] = readdirSync(serversOn(world));
  const holder = `none ${hostname()} ${process.pid} ${await startTimeOf(process.pid)}`;
  symlinkSync(holder, join(serversOn(world), name, 'lock'));
  const allIsAsBefore = await asBefore(other);
  mkdirSync(dirname(other.configurationFile), { recursive: true });
  writeFileSync(other.configurationFile, 'servers:\n  loopback:\n    destination: loopback\n');
  const stopping = other.start('stop', 'loopback', '{F}');
  await stopping.saw('✓ connect');
  stopping.signal('SIGINT');
  const { code, stderr } = await stopping.ended;
  assert.equal(code, 130, stderr);
  await allIsAsBefore();
  await assertUnchanged();
});

test('an interrupted stop keeps the record, reports that, and can be repeated', async () => {
  process.kill(server, 'SIGSTOP');
  const stderr = await interrupt(laptop, ['stop'], () => isAsked(localPort));
  assert.match(
    stderr,
    /^Interrupted\. "loopback" may still be running, and its record is kept\. To stop it: remote-notebook stop loopback$/m,
  );
  assert.ok(traces(world, laptop).includes('record of loopback'));
  process.kill(server, 'SIGCONT');
  await done(laptop, 'stop');
  await nothingIsLeft(world, laptop);
});

test('an interrupted logs -f ends here and on the host', async () => {
  const follows = () => world.processes().some((pid) => commandLineOf(pid).startsWith('tail -n'));
  await interrupt(laptop, ['logs', '-f'], follows);
  await eventually('the host follows no longer', () => !follows());
  await assertUnchanged();
});

test('a forward that is interrupted while it connects keeps none of the requested ports', async () => {
  const state = keeperOf(laptop);
  for (const identity of [state.keeper, state.ssh]) signalTo(identity, 'SIGKILL');
  await eventually('the connection of the killed ssh is gone', () => !isAsked(world.sshd.port));
  process.kill(world.sshd.pid(), 'SIGSTOP');
  await interrupt(laptop, ['forward', 'loopback', '6006'], () => isAsked(world.sshd.port));
  process.kill(world.sshd.pid(), 'SIGCONT');
  await done(laptop, 'forward');
  await assertUnchanged();
});
