import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { signalQuietly } from '../hosts/signal.ts';
import { NO_ADOPT } from '../hosts/slurm/cluster.ts';
import {
  askServer,
  clusterPerSuite,
  jobOptions,
  knownWay,
  recordOf,
  startedInJob,
  statusInJob,
  stoppedInJob,
  untilNoJob,
  waysOf,
} from '../hosts/slurm/jobs.ts';
import { eventually } from '../hosts/world.ts';

/** The two ways to a server in a job: a command of Slurm, and an ssh to the node through that to the login node. */
describe('slurm', { skip: NO_ADOPT }, () => {
  const cluster = clusterPerSuite();
  afterEach(() => forget());

  const laptop = () => cluster.world.laptop;
  const known = () => knownWay(laptop());

  function forget(): void {
    for (const file of waysOf(laptop())) rmSync(file, { force: true });
  }

  /** The PIDs of the ssh processes of this test that have logged in to a node. */
  function nodeLinks(): number[] {
    const ours = new Set(cluster.world.processes());
    return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes('HostKeyAlias=remote-notebook-node'))
      .map((line) => Number.parseInt(line, 10))
      .filter((pid) => ours.has(pid));
  }

  /** The commands of Slurm that carry a tunnel. */
  const steps = () => cluster.on('front', 'ps -A -o args | grep -c "[s]run --quiet.*relay.py" || :').trim();

  /** Sends the first half of a request, and returns what sends the rest, and waits for the response. */
  async function begunRequest(name: string): Promise<() => Promise<string>> {
    const { jupyter, forwards } = recordOf(laptop(), name);
    const socket = connect(forwards.own?.localPort ?? 0, '127.0.0.1');
    let response = '';
    socket.on('data', (chunk) => {
      response += chunk;
    });
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.write('GET /api/status HTTP/1.1\r\nHost: localhost\r\n');
    return async () => {
      socket.write(`Authorization: token ${jupyter?.token}\r\nConnection: close\r\n\r\n`);
      await ended;
      return response;
    };
  }

  test('a tunnel moves to an ssh to the node, without another login or a question, and the next one begins there', async () => {
    await startedInJob(laptop(), 'moves');
    await eventually('the tunnel has moved', () => known()?.isOpen === true && steps() === '0');
    assert.equal(nodeLinks().length, 1);
    assert.equal((await askServer(laptop(), 'moves', '/api/status')).status, 200);
    assert.equal(await stoppedInJob(laptop(), 'moves'), 'shutdown');
    await untilNoJob(cluster);
    await eventually('no ssh to the node is left', () => nodeLinks().length === 0);
    const { tunnel } = await startedInJob(laptop(), 'moves');
    assert.equal(steps(), '0');
    // No known_hosts file has got a key of a node.
    assert.equal(tunnel.state, 'connected');
    assert.equal(await stoppedInJob(laptop(), 'moves'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('after the ssh to the node or that to the login node is killed, what is open continues, without a question', async () => {
    const { tunnel } = await startedInJob(laptop(), 'legs');
    await eventually('the tunnel has moved', () => nodeLinks().length === 1 && steps() === '0');
    const finishFirst = await begunRequest('legs');
    const [first] = nodeLinks();
    signalQuietly(first ?? 0, 'SIGKILL');
    assert.match(await finishFirst(), /^HTTP\/1.1 200 /);
    await eventually('another ssh to the node is there', () => nodeLinks().some((pid) => pid !== first));

    const finishSecond = await begunRequest('legs');
    signalQuietly(tunnel.pid, 'SIGKILL');
    assert.match(await finishSecond(), /^HTTP\/1.1 200 /);
    await eventually(
      'both are there again',
      async () => (await statusInJob(laptop(), 'legs')).state === 'connected' && nodeLinks().length === 1,
    );
    assert.equal(await stoppedInJob(laptop(), 'legs'), 'shutdown');
    await untilNoJob(cluster);
  });

  test('a node that lets nobody in is reached by the command of the scheduler, and is not asked again', async () => {
    const keys = join(cluster.user.home, '.ssh', 'authorized_keys');
    renameSync(keys, `${keys}.away`);
    try {
      const { job } = await startedInJob(laptop(), 'denied');
      await eventually('ssh was refused', () => known()?.isOpen === false);
      assert.match(known().reason, /Permission denied/);
      assert.equal((await askServer(laptop(), 'denied', '/api/status')).status, 200);
      assert.equal((await statusInJob(laptop(), 'denied')).state, 'connected');
      assert.notEqual(steps(), '0');
      const doctor = await laptop().run('doctor', 'denied', '--json');
      const node = JSON.parse(doctor.stdout).checks.find(({ name }: { name: string }) => name === 'node');
      assert.equal(node.verdict, 'ok');
      assert.match(node.found, /reached by a further step of the job.*Permission denied/);
      const log = cluster.log(`sshd-${job.node}`);
      assert.equal(await stoppedInJob(laptop(), 'denied'), 'shutdown');
      await untilNoJob(cluster);
      const again = await startedInJob(laptop(), 'denied', `--job-option=--nodelist=${job.node}`);
      assert.equal(again.state, 'connected');
      assert.equal(cluster.log(`sshd-${job.node}`), log);
      assert.equal(await stoppedInJob(laptop(), 'denied'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      renameSync(`${keys}.away`, keys);
    }
  });

  test('a login node that forbids forwarding leads to the node by the command of the scheduler', async () => {
    const { authorizedKeys } = cluster.world.sshd;
    const keys = readFileSync(authorizedKeys, 'utf8');
    writeFileSync(authorizedKeys, `no-port-forwarding ${keys}`);
    try {
      await startedInJob(laptop(), 'forbidden');
      await eventually('the forward was refused', () => known()?.isOpen === false);
      assert.match(known().reason, /^Stdio forwarding request failed/);
      assert.equal((await askServer(laptop(), 'forbidden', '/api/status')).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'forbidden'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      writeFileSync(authorizedKeys, keys);
    }
  });

  test('a machine that pretends to be the node gets no login', async () => {
    // The jobs on the node read another key than that of its sshd.
    for (const node of ['oak', 'elm'] as const)
      cluster.on(
        node,
        'ssh-keygen -q -t ed25519 -N "" -f /tmp/other && mount --bind /tmp/other.pub /etc/ssh/ssh_host_ed25519_key.pub',
      );
    try {
      const { url } = await startedInJob(laptop(), 'pretends');
      await eventually('ssh was refused', () => known()?.isOpen === false);
      assert.match(known().reason, /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/);
      assert.deepEqual(nodeLinks(), []);
      assert.equal((await fetch(`${url}api`)).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'pretends'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      for (const node of ['oak', 'elm'] as const)
        cluster.on(node, 'umount /etc/ssh/ssh_host_ed25519_key.pub');
    }
  });

  /** Takes the command of Slurm that runs another one in a job away from the login node. */
  function withoutSteps(): () => void {
    cluster.on(
      'front',
      'printf "#!/bin/sh\\necho srun: steps are disabled at this site >&2; exit 1\\n" >/tmp/no-srun; chmod 755 /tmp/no-srun; mount --bind /tmp/no-srun "$(command -v srun)"',
    );
    return () => void cluster.on('front', 'umount "$(command -v srun)"');
  }

  test('where the scheduler runs no further command in a job, the ssh to the node carries the tunnel', async () => {
    const restore = withoutSteps();
    try {
      await startedInJob(laptop(), 'stepless');
      assert.equal(nodeLinks().length, 1);
      assert.equal((await askServer(laptop(), 'stepless', '/api/status')).status, 200);
      assert.equal(await stoppedInJob(laptop(), 'stepless'), 'shutdown');
      await untilNoJob(cluster);
    } finally {
      restore();
    }
  });

  test('where neither way leads to the node, a start fails with both reasons, and what to ask the administrators', async () => {
    const keys = join(cluster.user.home, '.ssh', 'authorized_keys');
    const restore = withoutSteps();
    renameSync(keys, `${keys}.away`);
    try {
      const { code, stderr } = await laptop().run(
        ...['start', 'loopback', '{F}', '--launcher', 'slurm', '--no-browser', '--name', 'nowhere'],
      );
      assert.equal(code, 1);
      assert.match(
        stderr,
        /no way to the node .* of the job \d+ on loopback: srun: steps are disabled at this site; ssh to the node: Permission denied.*\n.*administrators.*--expose-on-cluster-network/,
      );
      await untilNoJob(cluster);

      // On the network of the cluster, others reach its login page, but nothing else.
      const exposed = await laptop().run(...(await jobOptions('nowhere')), '--expose-on-cluster-network');
      assert.equal(exposed.code, 0, exposed.stderr);
      assert.match(
        exposed.stderr,
        /everyone on the cluster of loopback can reach the login page of "nowhere"/,
      );
      const { job, jupyter } = await statusInJob(laptop(), 'nowhere');
      assert.equal((await askServer(laptop(), 'nowhere', '/api/contents')).status, 200);
      const status = `curl -s -o /dev/null -w "%{http_code}" http://${job.node}:${jupyter.port}`;
      assert.equal(cluster.on('front', `${status}/login`, cluster.stranger), '200');
      assert.equal(cluster.on('front', `${status}/api/contents`, cluster.stranger), '403');
      // After its job, another user may have its port: nothing is sent there.
      cluster.on('front', `scancel ${job.id}`);
      await untilNoJob(cluster);
      const other = `python3 -c 'import socket, time; s = socket.create_server(("${job.node}", ${jupyter.port})); s.settimeout(20); c, a = s.accept(); print(c.recv(9999).decode(), end="")'`;
      const listens = `timeout 60 sh -c 'until ss -Hltn "sport = :${jupyter.port}" | grep -q .; do sleep 0.1; done'`;
      cluster.on(job.node, `(${other}) >/tmp/received 2>/dev/null & ${listens}`, cluster.stranger);
      const ended = await statusInJob(laptop(), 'nowhere');
      assert.equal(ended.jupyter.state, 'stopped');
      assert.equal(cluster.on(job.node, 'cat /tmp/received'), '');
    } finally {
      renameSync(`${keys}.away`, keys);
      restore();
    }
  });
});
