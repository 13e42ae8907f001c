import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { keeperOf } from './keeper.ts';
import { worldPerFile } from './lasting.ts';
import { commandLineOf, ENDED } from './proc.ts';
import { started, statusOf } from './servers.ts';
import { signalQuietly } from './signal.ts';
import { ports } from './sshd.ts';
import { makeFolder } from './standing.ts';
import { eventually, type World } from './world.ts';

/**
 * A world whose ssh on the laptop is stopped before each test of the file that calls this. Its server has no relay: with one,
 * the keeper notices the silence, and replaces that ssh.
 */
export interface HangingSsh {
  readonly world: World;
  /** The PID of the ssh that keeps the connection open. */
  pid(): number;
  /** Runs a verb that must fail, and report why and what to do. */
  fails(...words: readonly string[]): Promise<void>;
  /** The message about that ssh, and what to do. */
  message(): string;
  remedy(): string;
  /** Lets ssh continue, and verifies that all is as it was before it was stopped. */
  allIsAsBefore(): Promise<void>;
}

/** A temporary folder on the host in which no socket can be. */
function tooLongForSockets(): string {
  const folder = join(makeFolder('rn-tmp-'), 'x'.repeat(60));
  mkdirSync(folder);
  return folder;
}

export async function hangingSshPerTest(): Promise<HangingSsh> {
  const world = await worldPerFile({ environment: { TMPDIR: tooLongForSockets() } });
  let pid = 0;
  let quiet: readonly number[] = [];
  let forwards: readonly string[] = [];
  const others = () => world.processes().filter((each) => !quiet.includes(each));
  const message = () =>
    `the local ssh process that keeps the connection to loopback open (PID ${pid}) does not respond`;
  const remedy = () =>
    `If it was stopped, let it continue: kill -CONT ${pid}. Otherwise end it, and the tunnel reconnects on its own: kill -KILL ${pid}`;
  before(async () => {
    ({
      tunnel: { forwards },
    } = await started(world.laptop, ...(await ports())));
    const { servers } = JSON.parse(readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8'));
    assert.equal(servers.loopback.relay, undefined);
  });
  beforeEach(() => {
    pid = keeperOf(world.laptop).ssh?.pid ?? 0;
    quiet = world.processes();
    process.kill(pid, 'SIGSTOP');
  });
  after(() => signalQuietly(pid, 'SIGCONT'));
  return {
    world,
    pid: () => pid,
    message,
    remedy,
    fails: async (...words) => {
      const { code, stderr } = await world.laptop.run(...words);
      assert.equal(code, 1, stderr);
      for (const text of [message(), remedy()]) assert.ok(stderr.includes(text), stderr);
    },
    allIsAsBefore: async () => {
      // The keeper's own requests to ssh end with it, or when it continues.
      const lines = others().map(commandLineOf);
      assert.deepEqual(
        lines.filter((line) => line !== ENDED && !/ -O (forward|cancel) | -S \S+\/control /.test(line)),
        [],
      );
      signalQuietly(pid, 'SIGCONT');
      await eventually(
        'one ssh runs',
        () => others().filter((each) => each !== keeperOf(world.laptop).ssh?.pid).length === 0,
      );
      await eventually('it is connected', async () => (await statusOf(world.laptop)).state === 'connected');
      const now = await statusOf(world.laptop);
      assert.deepEqual(now.tunnel.forwards, forwards);
    },
  };
}
