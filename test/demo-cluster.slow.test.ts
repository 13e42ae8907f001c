import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answers } from './hosts/servers.ts';
import { NO_CLUSTER } from './hosts/slurm/cluster.ts';
import { eventually } from './hosts/world.ts';

/** Timeout for all clusters of other tests. */
const CLUSTERS_MS = 15 * 60_000;

const EXPECTED = [/Ctrl-C ends the demo/, /http:\S+token=\S+\s/, /is running on (oak|elm)/];

const root = fileURLToPath(new URL('..', import.meta.url));

test('make demo-cluster shows a server in a job, and Ctrl-C leaves nothing behind', {
  skip: NO_CLUSTER,
}, async () => {
  const { NODE_OPTIONS: _, DISPLAY: __, WAYLAND_DISPLAY: ___, BROWSER: ____, ...rest } = process.env;
  const child = spawn('make', ['demo-cluster'], {
    cwd: root,
    env: { ...rest, NO_COLOR: '1' },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const isReady = () => {
    assert.equal(child.exitCode, null, output);
    // Standard output and standard error come by two pipes.
    return EXPECTED.every((words) => words.test(output));
  };
  const interrupt = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGINT');
    await ended;
  };
  try {
    // It waits until no other test has a cluster.
    await eventually('the demo is ready', isReady, CLUSTERS_MS, 200);
    const url = /http:\S+token=\S+/.exec(output)?.[0] ?? '';
    const response = await fetch(url);
    assert.equal(response.status, 200);
    await response.arrayBuffer();
    assert.equal(await answers(url), true);
    await interrupt();
    assert.match(output, /its job, its cluster and its accounts are gone/);
    assert.doesNotMatch(output, /bug/);
    assert.equal(await answers(url), false);
  } finally {
    await interrupt();
  }
});
