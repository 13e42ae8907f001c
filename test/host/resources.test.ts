import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseFrame } from '../../src/host/protocol.ts';
import { readResources } from '../../src/host/resources.ts';
import type { HostResources } from '../../src/model/resources.ts';
import { keeperOf } from '../hosts/keeper.ts';
import { done, started, stderrOf } from '../hosts/servers.ts';
import { ownLocalPort } from '../hosts/sshd.ts';
import { standIn } from '../hosts/stand-ins.ts';
import { makeFolder } from '../hosts/standing.ts';
import { eventually, makeWorld, type World } from '../hosts/world.ts';

/** What `status --resources` shows for a host; nvidia-smi is a stand-in, everything else is real. */

let bin: string;
let world: World;
before(async () => {
  bin = makeFolder('rn-bin-');
  standIn('nvidia-smi', join(bin, 'nvidia-smi'));
  world = await makeWorld({ environment: { PATH: `${bin}:${process.env.PATH}` } });
  mkdirSync(join(world.home, 'my work'));
  await started(world.laptop, ...(await ownLocalPort()));
  await started(world.laptop, '--name', 'two', '-d', 'my work', ...(await ownLocalPort()));
});
after(async () => {
  await world.remove();
});

async function resources(): Promise<HostResources[]> {
  const { servers } = JSON.parse(await done(world.laptop, 'status', '--resources', '--json'));
  return servers.map((spec: { resources: HostResources }) => spec.resources);
}

test('the load, memory, disk and GPUs of a host are reported', async () => {
  const [first, second] = await resources();
  assert.deepEqual({ ...first, disk: null }, { ...second, disk: null });
  assert.equal(first?.disk?.totalBytes, second?.disk?.totalBytes);
  assert.equal(first?.cpus, availableParallelism());
  assert.equal(first?.load?.length, 3);
  if (process.platform === 'linux')
    assert.equal(
      first?.memory?.totalBytes,
      Number(/^MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
    );
  assert.ok((first?.memory?.totalBytes ?? 0) <= totalmem());
  const { bsize, blocks, bavail } = statfsSync(world.home);
  // df leaves out space that a file system reserves, and other processes write in the meantime.
  const isNear = (one = 0, other: number) => Math.abs(one - other) < blocks * bsize * 0.1;
  assert.ok(
    isNear(first?.disk?.totalBytes, blocks * bsize) && isNear(first?.disk?.freeBytes, bavail * bsize),
  );
  assert.deepEqual(first?.gpus, [
    {
      name: 'NVIDIA A100-SXM4-40GB',
      utilizationPercent: 35,
      memoryUsedBytes: 10_240 * 1024 ** 2,
      memoryTotalBytes: 40_960 * 1024 ** 2,
    },
    {
      name: 'Tesla K80',
      utilizationPercent: null,
      memoryUsedBytes: 3 * 1024 ** 2,
      memoryTotalBytes: 11_441 * 1024 ** 2,
    },
  ]);
});

test('the table shows each host once, below its servers, with their disks and its GPUs', async () => {
  const table = await done(world.laptop, 'status', '--resources');
  const [below = ''] = table.split('\n\n').slice(1);
  const size = '\\d+\\.\\d of \\d+\\.\\d GiB';
  const lines = [
    `loopback: load \\S+ \\S+ \\S+ on \\d+ CPUs, ${size} of memory free`,
    '  NVIDIA A100-SXM4-40GB: 35 % busy, 10\\.0 of 40\\.0 GiB of its memory used',
    `  Tesla K80: ${size} of its memory used`,
    `  ${world.home}: ${size} of disk free`,
    `  ${world.home}/my work: ${size} of disk free`,
  ];
  assert.match(below, new RegExp(`^${lines.join('\n')}\n$`));
});

test('a host is asked once for dead kernels and once for resources, no matter how many servers are on it', async () => {
  const scripts = async (...words: string[]) => {
    const stderr = await stderrOf(0, world.laptop, 'status', '--verbose', ...words);
    return stderr.match(/< a script$/gm)?.length;
  };
  assert.equal(await scripts(), 1);
  assert.equal(await scripts('--resources'), 2);
  assert.equal(world.sshd.log().match(/Accepted publickey/g)?.length, 1);
});

test('the message of a failing driver is shown, and a hanging driver is ended soon and leaves nothing behind', async () => {
  const driver = join(world.home, 'driver');
  writeFileSync(driver, 'fails');
  assert.match(
    await done(world.laptop, 'status', '--resources'),
    /^ {2}nvidia-smi: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver/m,
  );
  const before = world.processes();
  writeFileSync(driver, 'hangs');
  const [first] = await resources();
  assert.deepEqual([first?.gpus, first?.gpuReason], [[], null]);
  assert.ok(first?.memory && first.disk);
  await eventually('nothing of it is left', () => world.processes().every((pid) => before.includes(pid)));
  rmSync(driver);
});

test('without a connection the table reports that, and none is opened', async () => {
  const laptop = world.anotherLaptop();
  const { tunnel } = await started(laptop, '--name', 'three', ...(await ownLocalPort()));
  await world.sshd.stop();
  process.kill(tunnel.pid, 'SIGKILL');
  await eventually('the keeper notices', () => keeperOf(laptop).phase !== 'connected');
  const { code, stdout } = await laptop.run('status', '--resources');
  assert.equal(code, 3);
  assert.match(stdout, /^loopback: not connected, so its resources are unknown$/m);
  await world.sshd.start();
});

test('a value that a host does not report, or reports in another form, is null', () => {
  const nothing = { cpus: null, load: null, memory: null, disk: null, gpus: [], gpuReason: null };
  assert.deepEqual(readResources([], '/home'), nothing);
  const lines = ['cpus ', 'load a b c', 'memory 1', 'disk - - /home', 'disk 2 1 /elsewhere', 'gpu '];
  const frames = lines.flatMap((line) => parseFrame(`@remote-notebook ${line}`) ?? []);
  assert.equal(frames.length, lines.length);
  assert.deepEqual(readResources(frames, '/home'), nothing);
});
