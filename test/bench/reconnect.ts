import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { keeperOf } from '../hosts/keeper.ts';
import { freePort } from '../hosts/sshd.ts';
import { eventually, makeWorld, PROGRAM, type World } from '../hosts/world.ts';

/** From the death of ssh to the next good answer, and what the one that waits costs: the keeper beside autossh. */

export interface Reconnects {
  readonly keeperMs: number[];
  readonly autosshMs: number[];
  /** Proportional set size, in kB. */
  readonly keeperPss: number;
  readonly autosshPss: number;
}

const [NODE = '', CLI = ''] = PROGRAM;

/** @returns undefined where autossh is not installed, or there is no /proc to look at */
export async function measureReconnects(rounds: number): Promise<Reconnects | undefined> {
  try {
    execFileSync('autossh', ['-V'], { stdio: 'ignore' });
    readFileSync('/proc/self/smaps_rollup');
  } catch {
    return undefined;
  }
  const world = await makeWorld();
  const target = createServer((_, response) => response.end('here'));
  const targetPort = await freePort();
  await new Promise<void>((resolve) => target.listen(targetPort, '127.0.0.1', resolve));
  try {
    const [keeperMs, autosshMs]: [number[], number[]] = [[], []];
    let [keeperPss, autosshPss] = [0, 0];
    // Each death is a first one: both wait longer when they come one after another.
    for (let round = 0; round < rounds; round++) {
      const keeper = await startKeeper(world, targetPort);
      keeperPss = pss(keeper.pid);
      keeperMs.push(await untilAnswer(keeper.port, keeper.ssh()));
      await keeper.end();
      const autossh = await startAutossh(world, targetPort);
      autosshPss = pss(autossh.pid);
      autosshMs.push(await untilAnswer(autossh.port, autossh.ssh()));
      await autossh.end();
    }
    return { keeperMs, autosshMs, keeperPss, autosshPss };
  } finally {
    await world.remove();
    target.close();
  }
}

interface Waiting {
  /** Of the one that waits. */
  readonly pid: number;
  readonly port: number;
  /** The PID of the ssh that it keeps now. */
  ssh(): number;
  end(): Promise<void>;
}

async function startKeeper(world: World, targetPort: number): Promise<Waiting> {
  const { env, stateFolder } = world.laptop;
  const own = (...args: string[]) => execFileSync(NODE, [CLI, ...args], { env, stdio: 'ignore' });
  own('start', 'loopback', '-F', world.sshd.sshConfig, '--no-open', '--json');
  const port = await freePort();
  own('forward', 'loopback', `${port}:${targetPort}`);
  const state = () => keeperOf(stateFolder);
  const end = async () => {
    own('stop', 'loopback', '--keep-server');
  };
  return { pid: state().keeper?.pid ?? 0, port, ssh: () => state().ssh?.pid ?? 0, end };
}

async function startAutossh(world: World, targetPort: number): Promise<Waiting> {
  const port = await freePort();
  const keepAlive = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];
  const args = [
    '-M',
    '0',
    '-F',
    world.sshd.sshConfig,
    ...keepAlive,
    '-N',
    '-L',
    `127.0.0.1:${port}:localhost:${targetPort}`,
  ];
  const env = { ...world.laptop.env, AUTOSSH_GATETIME: '0' };
  const child = spawn('autossh', [...args, 'loopback'], { env, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await eventually('autossh is up', () => answers(port));
  const ssh = () => Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }));
  const end = () =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    });
  return { pid, port, ssh, end };
}

async function untilAnswer(port: number, ssh: number): Promise<number> {
  const killed = performance.now();
  process.kill(ssh, 'SIGKILL');
  // The dead one's socket goes with it, so an answer is the next one's.
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 2));
  return performance.now() - killed;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const query = request({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    query.once('error', () => resolve(false));
    query.end();
  });
}

function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}
