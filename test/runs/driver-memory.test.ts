import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attempt } from '../../src/system/errors.ts';
import { DriverRun, execute, notebookOf } from '../hosts/driver.ts';
import { NO_ROOT, outside } from '../hosts/needs.ts';
import { LONG } from '../hosts/runs.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { eventually } from '../hosts/world.ts';

/** A run on a host whose memory runs out: the system's kernel kills the process that uses the most, in a cgroup of its own. */

const [V1, V2] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];
const isV1 = existsSync(join(V1, 'memory.limit_in_bytes'));
const isV2 = existsSync(join(V2, 'cgroup.controllers'))
  ? readFileSync(join(V2, 'cgroup.subtree_control'), 'utf8').includes('memory')
  : false;
const skip = NO_ROOT || (!isV1 && !isV2 && outside('cgroups cannot limit memory here'));

/** Makes a cgroup with this limit in MB. Returns a command with its first words that runs another one in it, and what removes it. */
function makeGroup(name: string, limit: number) {
  const group = join(isV1 ? V1 : V2, `rn-test-${process.pid}-${name}`);
  mkdirSync(group);
  writeFileSync(join(group, isV1 ? 'memory.limit_in_bytes' : 'memory.max'), `${limit << 20}`);
  const within = ['sh', '-c', `echo $$ >'${group}/cgroup.procs' && exec "$@"`, 'sh'];
  const procs = () => readFileSync(join(group, 'cgroup.procs'), 'utf8');
  const remove = async () => {
    // A test that fails leaves a run, which would not end by itself.
    for (const pid of procs().split('\n')) signalQuietly(Number(pid), 'SIGKILL');
    // A process that is about to end is not listed any more, and still keeps the group.
    await eventually('the group is removed', () => attempt(() => rmdirSync(group) ?? true) === true);
  };
  return { within, remove };
}

const EATS = 'x = []\nwhile True: x.append(bytearray(b"x" * (8 << 20)))';

test('a run shows that its kernel was killed because memory ran out, and keeps its outputs', {
  skip,
}, async () => {
  const { within, remove } = makeGroup('own', 300);
  const eats = `print("kept", flush=True)\nimport time; time.sleep(0.5)\n${EATS}`;
  try {
    const { run, code, end } = await execute(notebookOf(eats, '2'), {}, { within });
    assert.equal(code, 3, run.stderr);
    assert.equal(end?.state, 'kernel-died');
    assert.equal(end?.why, 'it was killed by SIGKILL because memory ran out');
    assert.equal(run.printed(0), 'kept\n');
  } finally {
    await remove();
  }
});

test('a run whose kernel was killed does not blame memory that ran out for somebody else on the machine', {
  skip,
}, async () => {
  const [own, other] = [makeGroup('own', 300), makeGroup('other', 50)];
  try {
    const run = new DriverRun(notebookOf(LONG), {}, { within: own.within });
    await run.untilText('begun');
    const [program = '', ...words] = [...other.within, 'python3', '-c', EATS];
    assert.equal(spawnSync(program, words).signal, 'SIGKILL');
    signalQuietly(run.kernelPid(), 'SIGKILL');
    assert.equal(await run.ended, 3, run.stderr);
    assert.equal(run.last('end')?.why, 'it was killed by SIGKILL');
  } finally {
    await own.remove();
    await other.remove();
  }
});
