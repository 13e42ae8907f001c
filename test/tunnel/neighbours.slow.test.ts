import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { configureJupyter, DEAF_TO_TERM } from '../hosts/configuration.ts';
import { worldPerFile } from '../hosts/lasting.ts';
import { commandLineOf } from '../hosts/proc.ts';
import { askJupyter, done, type Shown, started } from '../hosts/servers.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually } from '../hosts/world.ts';

/** Other servers of the same user on the same host, with their kernels: they are never affected by what happens to ours. */

const BY_HAND = 'token-of-the-one-started-by-hand';

const world = await worldPerFile();
let byHand: { pid: number; port: number };
let other: Shown;
/** What must be there at the end of each test as it was at its beginning. */
let theirs: { processes: number[]; kernels: string[] };

before(async () => {
  byHand = await startByHand();
  other = await started(world.laptop, '--name', 'other');
  await startKernel(byHand.port, BY_HAND);
  await startKernel(other.tunnel.localPort, tokenOf('other'));
  await eventually('two servers and their kernels run', () => {
    return kernelProcesses().length === 2 && serversAndKernels().length === 4;
  });
  theirs = { processes: serversAndKernels(), kernels: await kernels() };
});

/** A Jupyter as people start it themselves, over ssh, in the same home folder. */
async function startByHand(): Promise<{ pid: number; port: number }> {
  const port = await freePort();
  const root = process.getuid?.() === 0 ? '--allow-root' : '';
  const line = `JUPYTER_TOKEN=${BY_HAND} nohup jupyter notebook --no-browser --port=${port} ${root} >/dev/null 2>&1 </dev/null &`;
  const ssh = spawn('ssh', ['-F', world.sshd.sshConfig, '-S', 'none', 'loopback', line], { stdio: 'ignore' });
  await new Promise((resolve) => ssh.once('exit', resolve));
  const runtime = join(world.home, '.local', 'share', 'jupyter', 'runtime');
  await eventually('the Jupyter that was started by hand is up', () =>
    askJupyter(port, BY_HAND, '/api/status').then(
      () => true,
      () => false,
    ),
  );
  const [file = ''] = readdirSync(runtime).filter((name) => /server-\d+\.json$/.test(name));
  return { pid: Number(/\d+/.exec(file)?.[0]), port };
}

function tokenOf(name: string): string {
  const state = readFileSync(join(world.laptop.stateFolder, 'state.json'), 'utf8');
  return JSON.parse(state).servers[name].jupyter.token;
}

async function startKernel(port: number, token: string): Promise<void> {
  await askJupyter(port, token, '/api/kernels', 'POST');
}

function kernelProcesses(): number[] {
  return world.processes().filter((pid) => /ipykernel/.test(commandLineOf(pid)));
}

function serversAndKernels(): number[] {
  return world.processes().filter((pid) => /ipykernel|jupyter/.test(commandLineOf(pid)));
}

/** The kernels of both, as their servers list them. */
async function kernels(): Promise<string[]> {
  const lists = await Promise.all([
    askJupyter<{ id: string }[]>(byHand.port, BY_HAND, '/api/kernels'),
    askJupyter<{ id: string }[]>(other.tunnel.localPort, tokenOf('other'), '/api/kernels'),
  ]);
  return lists.flat().map(({ id }) => id);
}

/** Processes of ours may end a moment after our server. */
async function assertUntouched(): Promise<void> {
  await eventually('only theirs run', () => serversAndKernels().join() === theirs.processes.join()).catch(
    () => assert.deepEqual(serversAndKernels(), theirs.processes),
  );
  assert.deepEqual(await kernels(), theirs.kernels);
}

test('start uses neither the server nor the port of a Jupyter that was started by hand', async () => {
  const ours = await started(world.laptop, '--name', 'ours', '--port', String(byHand.port));
  assert.equal(ours.joined, false);
  assert.notEqual(ours.jupyter.port, byHand.port);
  await done(world.laptop, 'stop', 'ours');
  await assertUntouched();
});

test('stop shuts down a server and its kernels through its API, and no other process', async () => {
  const ours = await started(world.laptop, '--name', 'ours');
  await startKernel(ours.tunnel.localPort, tokenOf('ours'));
  await eventually('its kernel runs', () => kernelProcesses().length === 3);
  const { phases, ...stopped } = JSON.parse(await done(world.laptop, 'stop', 'ours', '--json'));
  assert.deepEqual(stopped, { name: 'ours', outcome: 'shutdown' });
  assert.deepEqual(Object.keys(phases), ['connect', 'stop', 'close']);
  await eventually('its kernel is gone', () => kernelProcesses().length === 2);
  await assertUntouched();
});

test('a server that ignores TERM is killed with its kernels, and no other process', async () => {
  const folder = configureJupyter(world.home, DEAF_TO_TERM);
  const ours = await started(world.laptop, '--name', 'ours');
  rmSync(folder, { recursive: true });
  await startKernel(ours.tunnel.localPort, tokenOf('ours'));
  await eventually('its kernel runs', () => kernelProcesses().length === 3);
  // A laptop without a record of the server has no tunnel to its API, and needs none if it need not ask about kernels.
  const laptop = world.anotherLaptop();
  mkdirSync(dirname(laptop.configurationFile), { recursive: true });
  writeFileSync(laptop.configurationFile, 'servers:\n  ours: { destination: loopback }\n');
  assert.equal(JSON.parse(await done(laptop, 'stop', 'ours', '{F}', '--yes', '--json')).outcome, 'killed');
  await eventually('its kernel is gone', () => kernelProcesses().length === 2);
  assert.equal(JSON.parse(await done(world.laptop, 'stop', 'ours', '--json')).outcome, 'gone');
  await assertUntouched();
});

test('stopping a server that has already ended affects no other process', async () => {
  const ours = await started(world.laptop, '--name', 'ours');
  process.kill(ours.jupyter.pid, 'SIGKILL');
  assert.equal(JSON.parse(await done(world.laptop, 'stop', 'ours', '--json')).outcome, 'gone');
  await assertUntouched();
});
