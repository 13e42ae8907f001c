import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLineOf, hasVariable } from '../hosts/proc.ts';
import { registryVenv } from '../hosts/registry-venv.ts';
import { signalQuietly } from '../hosts/signal.ts';
import { programOfToday } from '../hosts/today.ts';
import { eventually, type World } from '../hosts/world.ts';
import { answers, detached, finish, LIMIT_MS, own, ROOT_ARGS } from './run.ts';
import { autosshMissing, steadyPort } from './tunnels.ts';

/** Programs that bring a JupyterLab of the host to this machine, each with the options that serve its users best. */

const venv = registryVenv('peers', ['jupyter-forward', 'sshpyk', 'jupyterlab']);

/** The laptop's end of a JupyterLab that answers. */
export interface Session {
  readonly port: number;
  /** The name of the kernel that runs on the host. */
  readonly kernel: string;
  /** The folder of its notebooks. */
  readonly folder: string;
  /** The page of the server, or of a notebook, with the token. */
  page(...notebook: readonly string[]): Promise<string>;
  /** Does what the program offers to end all of it, in the order in which a user would. */
  end(): Promise<void>;
}

export interface Peer {
  /** Its name, with its options, for people. */
  readonly name: string;
  /** Why it cannot be measured here. */
  readonly missing: string | false;
  /** Whether JupyterLab runs on the laptop, and only kernels on the host. */
  readonly isLocal?: boolean;
  /** What its user does once for each host. */
  prepare?(world: World, sshConfig: string): Promise<unknown>;
  /** Starts everything from nothing, and returns when Jupyter has answered. @param sshConfig reaches the host of this world */
  start(world: World, sshConfig: string): Promise<Session>;
}

export const OURS = 'remote-notebook';
/** The kernel of JupyterLab. */
const PYTHON3 = 'python3';

export const PEERS: readonly Peer[] = [
  { name: OURS, missing: false, start: startOurs },
  { name: 'two commands by hand', missing: false, start: (...place) => byHand(place, ['ssh']) },
  {
    name: '`autossh -M 0` beside the first command',
    missing: autosshMissing() ?? false,
    start: (...place) => byHand(place, ['autossh', '-M', '0']),
  },
  { name: 'jupyter-forward', missing: venv.missing, start: startJupyterForward },
  { name: 'sshpyk', missing: venv.missing, isLocal: true, prepare: addSshpyk, start: startSshpyk },
];

async function startOurs({ home, laptop }: World, sshConfig: string): Promise<Session> {
  const port = await steadyPort();
  const options = ['-F', sshConfig, '--no-browser', '--json', '--local-port', String(port)];
  await own(laptop.env, 'start', 'loopback', ...options, '--command', 'jupyter lab');
  return {
    port,
    kernel: PYTHON3,
    folder: home,
    page: async (...notebook) => (await own(laptop.env, 'open', 'loopback', ...notebook, '--print')).trim(),
    end: async () => void (await own(laptop.env, 'stop', '--json')),
  };
}

/** ServerAlive* and ExitOnForwardFailure are what the manual of autossh advises. */
const TUNNEL = [
  '-N',
  '-o',
  'ServerAliveInterval=5',
  '-o',
  'ServerAliveCountMax=3',
  '-o',
  'ExitOnForwardFailure=yes',
];

/** @param program what keeps the tunnel */
async function byHand(
  [world, sshConfig]: readonly [World, string, ...unknown[]],
  [program = '', ...words]: readonly string[],
): Promise<Session> {
  const [port, remotePort] = [await steadyPort(), await steadyPort()];
  const ssh = ['-F', sshConfig, '-S', 'none'];
  const remote = `cd; jupyter lab --no-browser --port=${remotePort} ${ROOT_ARGS.join(' ')} >/dev/null 2>&1`;
  await detached(['ssh', ...ssh, '-f', 'loopback', remote], world.laptop.env);
  const forward = ['-L', `127.0.0.1:${port}:127.0.0.1:${remotePort}`, 'loopback'];
  const env = { ...world.laptop.env, AUTOSSH_GATETIME: '0' };
  const tunnel = spawn(program, [...words, ...ssh, ...TUNNEL, ...forward], { env, stdio: 'ignore' });
  await eventually('Jupyter answers', () => answers(port), LIMIT_MS, 10);
  return {
    port,
    kernel: PYTHON3,
    folder: world.home,
    page: async (...notebook) => pageAt(world.home, port, ...notebook),
    end: async () => {
      tunnel.kill('SIGTERM');
      await detached(['ssh', ...ssh, 'loopback', `jupyter server stop ${remotePort}`], world.laptop.env);
    },
  };
}

/** It starts a login shell, and ends without conda: `activate` of the venv, which comes first in the PATH, stands in for it. */
async function startJupyterForward(world: World, sshConfig: string): Promise<Session> {
  const { env } = world.laptop;
  const [port, ssh] = [await steadyPort(), join(String(env.HOME), '.ssh')];
  mkdirSync(ssh, { recursive: true, mode: 0o700 });
  writeFileSync(join(ssh, 'config'), readFileSync(sshConfig));
  const profile = `PATH="${join(programOfToday('jupyter'), '..')}:$PATH"\n`;
  writeFileSync(join(world.home, '.bash_profile'), profile);
  mkdirSync(join(world.home, '.jupyter'), { recursive: true });
  // It has no option for Jupyter's options.
  if (ROOT_ARGS.length > 0)
    writeFileSync(
      join(world.home, '.jupyter', 'jupyter_server_config.py'),
      'c.ServerApp.allow_root = True\n',
    );
  const program = join(venv.folder, 'bin', 'jupyter-forward');
  const place = ['--notebook-dir', world.home, '--conda-env', 'base', '--shell', 'bash'];
  const words = ['loopback', '--port', String(port), ...place];
  const child = spawn(program, words, { env: { ...env, BROWSER: 'true' }, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const failed = ended.then(() => Promise.reject(new Error('jupyter-forward has ended')));
  await Promise.race([failed, eventually('Jupyter answers', () => answers(port), LIMIT_MS, 10)]);
  failed.catch(() => {});
  return {
    port,
    kernel: PYTHON3,
    folder: world.home,
    page: async (...notebook) => pageAt(world.home, port, ...notebook),
    end: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

const HOST_KERNEL = 'host';
/**
 * What its manual advises, without its optional `StrictHostKeyChecking no`, and with a count of 3 instead of 120000: with that
 * one, ssh keeps a connection for a week that a new address of the laptop has ended.
 */
const SSHPYK_OPTIONS = [
  'BatchMode yes',
  'ControlMaster auto',
  'ControlPersist 10m',
  'ServerAliveInterval 5',
  'ServerAliveCountMax 3',
  'TCPKeepAlive yes',
  'ConnectionAttempts 1',
  'ConnectTimeout 5',
];

/** Adds a kernel of the host to the Jupyter of the laptop. */
function addSshpyk({ laptop: { env } }: World, sshConfig: string): Promise<string> {
  const folder = join(String(env.HOME), '.ssh');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const options = [...SSHPYK_OPTIONS, `ControlPath ${join(folder, 'c')}`].map((option) => `  ${option}\n`);
  const config = join(folder, 'config');
  writeFileSync(config, readFileSync(sshConfig, 'utf8').replace('\n', `\n${options.join('')}`));
  const host = ['--ssh-host-alias', 'loopback', '--ssh-config', config];
  const remote = ['--remote-python', programOfToday('python'), '--remote-kernel-name', PYTHON3];
  const words = ['--language', 'python', '--kernel-name', HOST_KERNEL, '--display-name', 'Python 3 (host)'];
  return finish(join(venv.folder, 'bin', 'sshpyk'), ['add', ...host, ...remote, ...words], env);
}

/** JupyterLab of the laptop. A kernel of the host starts with its first notebook. */
async function startSshpyk({ laptop: { env } }: World): Promise<Session> {
  const [port, own] = [await steadyPort(), String(env.HOME)];
  const options = ['lab', '--no-browser', `--port=${port}`, '--ServerApp.port_retries=0', ...ROOT_ARGS];
  const child = spawn(join(venv.folder, 'bin', 'jupyter'), options, { cwd: own, env, stdio: 'ignore' });
  await eventually('Jupyter answers', () => answers(port), LIMIT_MS, 10);
  return {
    port,
    kernel: HOST_KERNEL,
    folder: own,
    page: async (...notebook) => pageAt(own, port, ...notebook),
    end: () => {
      child.kill('SIGTERM');
      return new Promise((resolve) => child.once('exit', () => resolve()));
    },
  };
}

/** With the token from Jupyter's runtime file, which these programs leave to their user to find. */
function pageAt(home: string, port: number, ...notebook: readonly string[]): string {
  const folder = join(home, '.local', 'share', 'jupyter', 'runtime');
  const file = readdirSync(folder).find((name) => /^jpserver-\d+\.json$/.test(name)) ?? '';
  const { token } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  return `http://127.0.0.1:${port}/${['lab', ...notebook.map((name) => `tree/${name}`)].join('/')}?token=${token}`;
}

/** The PIDs of its processes on this machine, and on the host: sshd gives each of its sessions a variable. */
export function processesOf(world: World): {
  readonly here: readonly number[];
  readonly there: readonly number[];
} {
  const isThere = (pid: number) => hasVariable(pid, 'SSH_CONNECTION');
  const pids = world.processes();
  return { here: [...pids.filter((pid) => !isThere(pid)), ...mastersOf(world)], there: pids.filter(isThere) };
}

/** An ssh that keeps a shared connection overwrites its environment by its name. */
function mastersOf({ laptop }: World): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', `^ssh: ${laptop.env.HOME}/.*\\[mux\\]`], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Kills the processes on this machine, as when it is switched off. */
export function switchOff(world: World): void {
  for (const pid of processesOf(world).here) signalQuietly(pid, 'SIGKILL');
}

/** The PIDs of the kernels on the host. */
export function kernelsOf(world: World): number[] {
  return world.processes().filter((pid) => / -m ipykernel_launcher /.test(commandLineOf(pid)));
}
