import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NO_CLUSTER, type Node } from '../hosts/slurm/cluster.ts';
import {
  askServer,
  clusterPerSuite,
  jobOptions,
  jobsOn,
  occupy,
  startedInJob,
  stoppedInJob,
  untilNoJob,
} from '../hosts/slurm/jobs.ts';
import { eventually } from '../hosts/world.ts';

/** Sites that are unusual, full or crowded. */
describe('slurm', { skip: NO_CLUSTER }, () => {
  // For ten jobs at once.
  const cluster = clusterPerSuite(6);

  const laptop = () => cluster.world.laptop;

  /** Puts a script in the place of a program on a node, which finds the program itself as $real, with its name. Returns what undoes that. */
  function replace(node: Node, program: string, script: string): () => void {
    const place = `$(readlink -f "$(command -v ${program})")`;
    cluster.on(
      node,
      `mkdir -p /tmp/real && cp "${place}" /tmp/real && printf '%s\\n' '#!/bin/sh' 'real=/tmp/real/${program}' '${script}' >/tmp/new-${program} && chmod 755 /tmp/new-${program} && mount --bind /tmp/new-${program} "${place}"`,
    );
    return () => void cluster.on(node, `umount "${place}"`);
  }

  test('a site whose commands print a banner disturbs nothing', async () => {
    const banner = 'echo "*** Maintenance on Sunday | see the web page ***"';
    const script = `[ "$(id -u)" != ${cluster.user.uid} ] || ${banner}; exec $real "$@"`;
    const restore = ['sbatch', 'squeue', 'scancel'].map((program) => replace('front', program, script));
    try {
      const free = await occupy(cluster);
      const waiting = laptop().start(...(await jobOptions('banner')), '--json');
      await eventually('status shows the queue', async () => {
        const { stdout } = await laptop().run('status', '--json');
        return JSON.parse(stdout).servers[0]?.jupyter.state === 'queued';
      });
      free();
      const { code, stderr } = await waiting.ended;
      assert.equal(code, 0, stderr);
      assert.equal((await askServer(laptop(), 'banner', '/api/status')).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'banner'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      for (const undo of restore) undo();
    }
  });

  test('an announcement that arrives late is waited for', async () => {
    const nodes: Node[] = ['oak', 'elm'];
    const restore = nodes.map((node) => replace(node, 'mv', 'sleep 6; exec $real "$@"'));
    try {
      await startedInJob(laptop(), 'late');
      assert.equal((await askServer(laptop(), 'late', '/api/status')).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'late'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      for (const undo of restore) undo();
    }
  });

  test('a full home folder fails before a job is submitted', async () => {
    const { home, uid, gid } = cluster.user;
    const place = join(home, '.local', 'state', 'remote-notebook');
    const image = join(cluster.world.sshd.folder, 'small');
    const sh = (script: string) =>
      execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: 'pipe' }).trim();
    const device = sh(
      `mkdir -p "${place}"; truncate -s 4M ${image} && mkfs.ext4 -q ${image} && losetup -f --show ${image}`,
    );
    cluster.on('front', `mount ${device} "${place}" && chown ${uid}:${gid} "${place}"`);
    try {
      cluster.on(
        'front',
        `mkdir "${place}/servers"; dd if=/dev/zero of="${place}/full" bs=1k || :`,
        cluster.user,
      );
      const { code, stderr } = await laptop().run(...(await jobOptions('full')));
      assert.equal(code, 1);
      assert.match(stderr, /cannot write to .*servers/);
      assert.deepEqual(jobsOn(cluster), []);
    } finally {
      // What the command has run there may end a moment after it.
      cluster.on('front', `umount --lazy "${place}"`);
      sh(`losetup -d ${device}; rm -rf "${place}"`);
    }
  });

  /** Starts ten servers, and verifies that each of them responds, over one ssh to the login node. */
  async function startTen(): Promise<void> {
    const names = Array.from({ length: 10 }, (_, index) => `many${index}`);
    const options = ['--cpus', '1', '--memory', '300M'];
    // This machine cannot start ten Jupyters at once.
    for (const name of names) await startedInJob(laptop(), name, ...options);
    assert.equal(jobsOn(cluster).length, 10);
    const responses = await Promise.all(names.map((name) => askServer(laptop(), name, '/api/status')));
    assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
    const { code, stdout } = await laptop().run('status', '--json');
    assert.equal(code, 0);
    const pids = JSON.parse(stdout).servers.map(({ tunnel }: { tunnel: { pid: number } }) => tunnel.pid);
    assert.equal(new Set(pids).size, 1);
  }

  async function stopAll(): Promise<void> {
    const { code, stderr } = await laptop().run('stop', '--all', '--yes');
    assert.equal(code, 0, stderr);
    await untilNoJob(cluster);
  }

  test('ten servers in ten jobs share one connection, also where ssh to the nodes is refused', async () => {
    const keys = join(cluster.user.home, '.ssh', 'authorized_keys');
    // Each of them has a session of the connection then, and the login node allows ten.
    renameSync(keys, `${keys}.away`);
    try {
      await startTen();
      await stopAll();
    } finally {
      renameSync(`${keys}.away`, keys);
    }
  });
});
