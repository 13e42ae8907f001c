import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Account } from './accounts.ts';
import { CLEAN } from './clean.ts';
import './interrupted.ts';
import { processesWith } from './proc.ts';
import { signalQuietly } from './signal.ts';
import { makeSshd, type Sshd, type SshdOptions } from './sshd.ts';
import { makeFolder, untilRemoved } from './standing.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
if (!existsSync(CLI)) throw new Error('the tests run the command as users have it: make build, first');
/** The command that runs remote-notebook, without arguments. */
export const PROGRAM: readonly string[] = [process.execPath, CLI];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Finished>;
  /** Waits until standard error, or the named output, contains this text. Rejects if the command ends first. */
  saw(text: string, output?: 'stdout' | 'stderr'): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** A user's machine, with its own folders for state and configuration. */
export interface Laptop {
  readonly env: NodeJS.ProcessEnv;
  readonly stateFolder: string;
  readonly configurationFile: string;
  /** Runs remote-notebook to its end. `{F}` is replaced by the option `-F` for the test host. */
  run(...args: string[]): Promise<Finished>;
  start(...args: string[]): Running;
}

/** A host behind a real sshd on loopback, with an empty home folder, and a laptop that can reach it. */
export interface World {
  readonly sshd: Sshd;
  /** The home folder on the host. */
  readonly home: string;
  readonly laptop: Laptop;
  anotherLaptop(): Laptop;
  /** The PIDs of this world's processes, which a variable in their environment marks. */
  processes(): number[];
  /** Ends all its processes, and removes its folders. */
  remove(): Promise<void>;
}

export interface WorldOptions extends Omit<SshdOptions, 'user'> {
  /** The account that logs in, with its home folder. Default: the current user, with an empty home folder. */
  readonly account?: Account;
}

export async function makeWorld({ account, ...options }: WorldOptions = {}): Promise<World> {
  const folder = makeFolder();
  // Killed servers leave their sockets there.
  const temporary = makeFolder('rn-tmp-');
  if (account) chmodSync(temporary, 0o1777);
  const home = account?.home ?? join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const mark = `rn-world-${folder.slice(-6)}`;
  const environment = {
    ...(account ? {} : { HOME: home }),
    // The machines of a cluster have temporary files of their own.
    ...(options.within ? {} : { TMPDIR: temporary }),
    REMOTE_NOTEBOOK_TEST: mark,
    ...options.environment,
  };
  const processes = () => processesWith(`REMOTE_NOTEBOOK_TEST=${mark}`);
  let sshd: Sshd | undefined;
  const { remove } = untilRemoved({
    remove: async () => {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        for (let look = 0; look < 100 && processes().length > 0; look++) {
          // A process that was just being started is there at the next look.
          if (look === 0 || signal === 'SIGKILL') for (const pid of processes()) signalQuietly(pid, signal);
          await pause(20);
        }
      }
      await sshd?.remove();
      unmountBelow(folder);
      for (const each of [folder, temporary]) rmSync(each, { recursive: true, force: true, maxRetries: 5 });
    },
    removeNow: () => {
      for (const pid of processes()) signalQuietly(pid, 'SIGKILL');
      unmountBelow(folder);
    },
  });
  sshd = await makeSshd({ ...options, ...(account ? { user: account.name } : {}), environment });
  const { sshConfig } = sshd;
  let laptops = 0;
  const anotherLaptop = () => makeLaptop(join(folder, `laptop${++laptops}`), sshConfig, mark);
  return { sshd, home, laptop: anotherLaptop(), anotherLaptop, processes, remove };
}

/** @param mark a variable that its processes carry in their environment, by which tests find them */
export function makeLaptop(folder: string, sshConfig: string, mark: string): Laptop {
  const env: NodeJS.ProcessEnv = {
    ...CLEAN,
    HOME: folder,
    SHELL: '/bin/bash',
    XDG_STATE_HOME: join(folder, 's'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    REMOTE_NOTEBOOK_TEST: mark,
    NO_COLOR: '1',
  };
  mkdirSync(folder, { recursive: true });
  const start = (...args: string[]) =>
    startCommand(
      args.flatMap((arg) => (arg === '{F}' ? ['-F', sshConfig] : [arg])),
      env,
    );
  return {
    env,
    stateFolder: join(folder, 's', 'remote-notebook'),
    configurationFile: join(folder, 'config', 'remote-notebook', 'config.yaml'),
    start,
    run: (...args) => start(...args).ended,
  };
}

/** In its own session, that is, without a terminal: a program that would ask a question fails instead of waiting. */
function startCommand(args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, [...PROGRAM.slice(1), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const look of watchers) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const look of watchers) look();
  });
  const ended = new Promise<Finished>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    signal: (name) => child.kill(name),
    saw: (text, output = 'stderr') =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!(output === 'stderr' ? stderr : stdout).includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        void ended.then(() => reject(new Error(`ended without "${text}": ${stderr}`)));
        look();
      }),
  };
}

/** Waits until `condition` holds, and checks it at intervals. The error names what it waited for. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 120_000,
  everyMs = 20,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await pause(everyMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** With retries, because a process may still have a file open there. */
function unmountBelow(folder: string): void {
  if (process.platform !== 'linux') return;
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const point of points.filter((path) => path.startsWith(`${folder}/`)).reverse())
    spawnSync('umount', ['-l', point.replaceAll('\\040', ' ')]);
}
