import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connectionOf } from '../../src/tunnel/connection.ts';
import { readKeeperState } from '../../src/tunnel/keeper.ts';
import { eventually, type World } from '../hosts/world.ts';
import { answers, own, ROOT_ARGS } from './run.ts';

/** Many tunnels to one Jupyter on one host, ours and others', each with an ssh of its own. */

export interface Tunnel {
  readonly port: number;
  /** Of the one that waits: the keeper or autossh. Undefined where nobody does. */
  readonly keeper: number | undefined;
  /** The PID of its ssh, as it is now. */
  ssh(): number;
}

/** Host aliases for the one sshd: a connection is per destination. */
const alias = (index: number) => `host${index}`;

function aliasConfig(world: World): string {
  const aliases = Array.from({ length: 50 }, (_, index) => alias(index));
  const file = join(world.sshd.folder, 'aliases');
  const config = readFileSync(world.sshd.sshConfig, 'utf8');
  writeFileSync(file, config.replace('Host loopback', `Host loopback ${aliases.join(' ')}`), { mode: 0o600 });
  return file;
}

/** Keepers' keep-alives, which autossh's ssh gets too. */
const KEEP_ALIVE = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];

/** The one server on the host, started by the product, and as many tunnels to it as are asked for. */
export interface OwnTunnels {
  readonly tunnels: readonly Tunnel[];
  /** Jupyter's port on the host, and its token. */
  readonly targetPort: number;
  readonly token: string;
  /** Has this machine know these first ones alone. */
  know(count: number): void;
  /** Ends the tunnels, and not the server. */
  end(): Promise<void>;
}

/**
 * The server of the first is started; the others' records are written like it, since they lead to the same server,
 * and `forward` brings each tunnel up.
 */
export async function ownTunnels(world: World, count: number): Promise<OwnTunnels> {
  const { env, stateFolder } = world.laptop;
  const sshConfig = aliasConfig(world);
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
    return { port, keeper: state()?.keeper?.pid, ssh: () => state()?.ssh?.pid ?? 0 };
  });
  const end = async () => {
    know(count);
    for (const index of tunnels.keys()) await own(env, 'stop', alias(index), '--keep-server');
  };
  return { tunnels, targetPort, token: first.jupyter.token, know, end };
}

/** As many of `autossh -M 0`, each with its ssh, and what ends them. */
export async function autosshTunnels(world: World, count: number, targetPort: number) {
  const env = { ...world.laptop.env, AUTOSSH_GATETIME: '0' };
  return spawnTunnels(world, count, targetPort, ['autossh', '-M', '0'], env);
}

/** As many of plain `ssh -N -L`, and what ends them. */
export async function plainTunnels(world: World, count: number, targetPort: number) {
  return spawnTunnels(world, count, targetPort, ['ssh'], world.laptop.env);
}

async function spawnTunnels(
  world: World,
  count: number,
  targetPort: number,
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ tunnels: readonly Tunnel[]; end(): Promise<void> }> {
  const started: { child: ChildProcess; tunnel: Tunnel }[] = [];
  for (let index = 0; index < count; index++) {
    const port = await steadyPort();
    const forward = ['-N', '-L', `127.0.0.1:${port}:127.0.0.1:${targetPort}`];
    const ssh = ['-F', world.sshd.sshConfig, '-S', 'none', ...KEEP_ALIVE, ...forward, 'loopback'];
    const child = spawn(program, [...args, ...ssh], { env, stdio: 'ignore' });
    const pid = child.pid ?? 0;
    await eventually(`${program} is up`, () => answers(port));
    const tunnel: Tunnel =
      program === 'ssh'
        ? { port, keeper: undefined, ssh: () => pid }
        : { port, keeper: pid, ssh: () => childOf(pid) };
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

/** What lacks for a comparison with autossh here; undefined where nothing does. */
export function autosshLacks(): string | undefined {
  try {
    execFileSync('autossh', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'autossh is not installed';
  }
}

const given = new Set<number>();

/** A free port below those that systems give to outgoing connections: the many here must not take one another's. */
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
