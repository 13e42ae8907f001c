import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { debian13, NO_DEBIAN_13 } from '../hosts/debian13/debian13.ts';
import { makeBusy, openSession } from '../hosts/kernels.ts';
import { worldPerTest } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, serverRecord, started, statusOf } from '../hosts/servers.ts';
import { ports } from '../hosts/sshd.ts';
import { makeFolder } from '../hosts/standing.ts';
import { traces } from '../hosts/traces.ts';
import { eventually } from '../hosts/world.ts';

/**
 * The main commands on a host with JupyterLab 4 and jupyter_server 2. This server reports its port some time before it
 * listens: on a machine that is busy with other tests it needs a port of its own.
 */

const needs = { skip: NO_DEBIAN_13 };
const world = worldPerTest(debian13);

test(
  'JupyterLab 4 starts, accepts another laptop, shows its kernels and stops, and leaves nothing',
  needs,
  async () => {
    const { laptop } = world;
    mkdirSync(join(world.home, "it's data"));
    const words = ['--directory', "it's data", ...(await ports())];
    const shown = await started(laptop, ...words);
    assert.match(shown.url, /\/lab$/);
    assert.equal((await fetch((await done(laptop, 'open', '--print')).trim())).status, 200);
    const kernel = await openSession(laptop, shown, 'walk.ipynb');
    const other = world.anotherLaptop();
    const joined = await started(other, ...words.slice(0, 4));
    assert.deepEqual([joined.joined, joined.jupyter.pid], [true, shown.jupyter.pid]);
    await done(other, 'stop', '--keep-server');
    await makeBusy(world, laptop, shown, kernel);
    const { jupyter: server } = await statusOf(laptop);
    assert.match(server.version, /^2\./);
    assert.deepEqual(
      server.kernels.map(({ notebook, state }: Record<string, string>) => [notebook, state]),
      [['walk.ipynb', 'busy']],
    );
    const refused = await laptop.run('stop');
    assert.deepEqual(
      [refused.code, /still running code: walk\.ipynb/.test(refused.stderr)],
      [1, true],
      refused.stderr,
    );
    assert.equal(JSON.parse(await done(laptop, 'stop', '--yes', '--json')).outcome, 'shutdown');
    assert.deepEqual(traces(world, laptop), []);
  },
);

test(
  'a JupyterLab 4 that another laptop started is listed with its version, and can be adopted by its port',
  needs,
  async () => {
    const { jupyter: server } = await started(world.laptop, ...(await ports()));
    const other = world.anotherLaptop();
    const { servers } = JSON.parse(await done(other, 'status', 'loopback', '{F}', '--all', '--json'));
    assert.deepEqual(
      servers.map(({ pid, port, version }: Record<string, unknown>) => [
        pid,
        port,
        /^2\./.test(String(version)),
      ]),
      [[server.pid, server.port, true]],
    );
    const joined = await started(other, '--adopt', String(server.port));
    assert.deepEqual([joined.name, joined.joined, joined.jupyter.pid], ['loopback', true, server.pid]);
  },
);

test('a restart of JupyterLab 4 keeps port and token, and its log shows no token', needs, async () => {
  const { laptop } = world;
  const before = await started(laptop, ...(await ports()));
  const url = (await done(laptop, 'open', '--print')).trim();
  const after: Shown = JSON.parse(await done(laptop, 'restart', '--json'));
  assert.notEqual(after.jupyter.pid, before.jupyter.pid);
  assert.equal((await done(laptop, 'open', '--print')).trim(), url);
  assert.equal((await fetch(url)).status, 200);
  const log = await done(laptop, 'logs');
  assert.match(log, /Jupyter Server 2\.\S+ is running at/);
  assert.equal(log.includes(serverRecord(laptop).token), false);
});

test('with --socket JupyterLab 4 listens on a private socket, and on no port', needs, async () => {
  const { laptop } = world;
  const shown = await started(laptop, '--socket', ...(await ports()));
  const { port, socket } = shown.jupyter as { port: number | null; socket?: string };
  assert.equal(port, null);
  assert.equal(statSync(socket ?? '').mode & 0o777, 0o600);
  const { token } = serverRecord(laptop);
  assert.deepEqual(await askJupyter(shown.tunnel.localPort, token, '/api/kernels'), []);
  await done(laptop, 'stop');
  assert.throws(() => statSync(socket ?? ''), { code: 'ENOENT' });
});

test('doctor finds no problem with a running JupyterLab 4', needs, async () => {
  await started(world.laptop, ...(await ports()));
  const { code, stdout } = await world.laptop.run('doctor', '--json');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /jupyter lab 4\./);
});

test('each command that starts a Jupyter there is run, and its page opens', needs, async () => {
  const { laptop } = world;
  for (const command of ['jupyter notebook', 'python3 -m jupyterlab', 'python3 -m jupyter_server']) {
    await started(laptop, '--command', command, ...(await ports()));
    const answer = await fetch((await done(laptop, 'open', '--print')).trim());
    assert.equal(answer.status, 200, command);
    await done(laptop, 'stop');
  }
});

test('everything on that host ends when the test is killed', needs, async () => {
  const hosts = new URL('../hosts/', import.meta.url);
  const folder = makeFolder('rn-killed-');
  const program = `
    import { debian13 } from '${hosts}debian13/debian13.ts';
    import { makeSshd } from '${hosts}sshd.ts';
    const sshd = await makeSshd({ ...(await debian13()), within: ${JSON.stringify(folder)} });
    console.log(sshd.pid());
    setInterval(() => {}, 1000);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const pids = [Number(line), ...childrenOf(Number(line)).flatMap((pid) => [pid, ...childrenOf(pid)])];
  assert.ok(pids.length >= 3, pids.join(' '));
  child.kill('SIGKILL');
  // A zombie has no command line.
  const hasEnded = (pid: number) => commandLineOf(pid) === 'ended meanwhile';
  await eventually('all has ended', () => pids.every(hasEnded));
});

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}
