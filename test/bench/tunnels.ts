import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connectionOf } from '../../src/tunnel/connection.ts';
import { readKeeperState } from '../../src/tunnel/keeper.ts';
import { eventually, type World } from '../hosts/world.ts';
import { answers, own, ROOT_ARGS } from './run.ts';

/** Many tunnels to one Jupyter on one host, of remote-notebook and of others, each with its own ssh. */

export interface Tunnel {
  readonly port: number;
  /** The PID of what restarts ssh: the keeper or autossh. Undefined for plain ssh. */
  readonly keeper: number | undefined;
  /** The PID of its ssh now. */
  ssh(): number;
  /** When that had logged in, in milliseconds since 1970. Only of ours. */
  since(): number;
}

/** Host aliases for the one sshd: a connection is per destination. */
const alias = (index: number) => `host${index}`;

/** @param sshConfig reaches the host of this world */
function aliasConfig(world: World, sshConfig: string): string {
  const aliases = Array.from({ length: 50 }, (_, index) => alias(index));
  const file = join(world.sshd.folder, 'aliases');
  const config = readFileSync(sshConfig, 'utf8');
  writeFileSync(file, config.replace('Host loopback', `Host loopback ${aliases.join(' ')}`), { mode: 0o600 });
  return file;
}

/** The keep-alives of our ssh, which the others get, too. */
const KEEP_ALIVE = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];

/** One server on the host, started by remote-notebook, and many tunnels to it. */
export interface OwnTunnels {
  readonly tunnels: readonly Tunnel[];
  /** Jupyter's port on the host, and its token. */
  readonly targetPort: number;
  readonly token: string;
  /** Leaves only the first `count` tunnels on record. */
  know(count: number): void;
  /** Ends the tunnels, but not the server. */
  end(): Promise<void>;
}

/**
 * Starts the first server and copies its record for the others, since all lead to the same server. `forward` then opens
 * each tunnel.
 */
export async function ownTunnels(
  world: World,
  count: number,
  hostConfig = world.sshd.sshConfig,
): Promise<OwnTunnels> {
  const { env, stateFolder } = world.laptop;
  const sshConfig = aliasConfig(world, hostConfig);
  const targetPort = await steadyPort();
  const firstPort = await steadyPort();
  const ports = ['--port', String(targetPort), '--local-port', String(firstPort)];
  const command = ['--command', `jupyter notebook ${ROOT_ARGS.join(' ')}`];
  await own(env, 'start', alias(0), '-F', sshConfig, '--no-browser', '--json', ...ports, ...command);
  const file = join(stateFolder, 'state.json');
  const state = JSON.parse(readFileSync(file, 'utf8'));
  const first = state.servers[alias(0)];
  const localPorts = [firstPort];
  while (localPorts.length < count) localPorts.push(await steadyPort());
  const records = localPorts.map((localPort, index) => [
    alias(index),
    {
      ...first,
      spec: { ...first.spec, name: alias(index), destination: alias(index) },
      forwards: { ...first.forwards, own: { ...first.forwards.own, localPort } },
    },
  ]);
  const know = (known: number) =>
    writeFileSync(file, JSON.stringify({ ...state, servers: Object.fromEntries(records.slice(0, known)) }));
  know(count);
  for (let index = 1; index < count; index++) await own(env, 'forward', alias(index));
  const tunnels = localPorts.map((port, index) => {
    const connection = connectionOf({ destination: alias(index), sshConfig }, env);
    const state = () => readKeeperState(connection);
    const since = () => state()?.since ?? 0;
    return { port, keeper: state()?.keeper?.pid, ssh: () => state()?.ssh?.pid ?? 0, since };
  });
  const end = async () => {
    know(count);
    for (const index of tunnels.keys()) await own(env, 'stop', alias(index), '--keep-server');
  };
  return { tunnels, targetPort, token: first.jupyter.token, know, end };
}

/** As many tunnels of `autossh -M 0`, each with its ssh, and a function that ends them. */
export async function autosshTunnels(world: World, count: number, targetPort: number) {
  const env = { ...world.laptop.env, AUTOSSH_GATETIME: '0' };
  return spawnTunnels(world.sshd.sshConfig, count, targetPort, ['autossh', '-M', '0'], env);
}

/** As many tunnels of plain `ssh -N -L`, and a function that ends them. */
export async function plainTunnels(
  world: World,
  count: number,
  targetPort: number,
  sshConfig = world.sshd.sshConfig,
) {
  return spawnTunnels(sshConfig, count, targetPort, ['ssh'], world.laptop.env);
}

async function spawnTunnels(
  sshConfig: string,
  count: number,
  targetPort: number,
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ tunnels: readonly Tunnel[]; end(): Promise<void> }> {
  const started: { child: ChildProcess; tunnel: Tunnel }[] = [];
  for (let index = 0; index < count; index++) {
    const port = await steadyPort();
    const forward = ['-N', '-L', `127.0.0.1:${port}:127.0.0.1:${targetPort}`];
    const ssh = ['-F', sshConfig, '-S', 'none', ...KEEP_ALIVE, ...forward, 'loopback'];
    const child = spawn(program, [...args, ...ssh], { env, stdio: 'ignore' });
    const pid = child.pid ?? 0;
    await eventually(`${program} is up`, () => answers(port));
    const tunnel: Tunnel =
      program === 'ssh'
        ? { port, keeper: undefined, ssh: () => pid, since: () => 0 }
        : { port, keeper: pid, ssh: () => childOf(pid), since: () => 0 };
    started.push({ child, tunnel });
  }
  const end = async () => {
    const ends = started.map(({ child }) => new Promise((resolve) => child.once('exit', resolve)));
    for (const { child } of started) child.kill('SIGTERM');
    await Promise.all(ends);
  };
  return { tunnels: started.map(({ tunnel }) => tunnel), end };
}

function childOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }));
}

/** Why autossh cannot be measured here, or undefined. */
export function autosshMissing(): string | undefined {
  try {
    execFileSync('autossh', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'autossh is not installed';
  }
}

const given = new Set<number>();

/** A free port below those that systems give to outgoing connections, so that these many tunnels do not collide. */
export function steadyPort(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  if (given.has(port)) return steadyPort();
  given.add(port);
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(steadyPort()));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}
