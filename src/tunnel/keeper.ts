import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { attempt } from '../system/errors.ts';
import { isAlive, type ProcessIdentity } from '../system/process.ts';

/** The state that a keeper wrote last: see keeper.sh. */
export interface KeeperState {
  readonly phase: 'connecting' | 'connected' | 'reconnecting' | 'needs-login' | 'failed';
  readonly keeper: ProcessIdentity | undefined;
  readonly ssh: ProcessIdentity | undefined;
  /** When the connection was opened, in seconds since 1970. */
  readonly since: number | undefined;
  /** The number of the next try, and its time in seconds since 1970. */
  readonly tries: number | undefined;
  readonly nextTry: number | undefined;
  /** The forwards that this ssh has set up, and those that failed, as `-L` takes them. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** How often the keeper has compared its forwards with the wanted ones. */
  readonly looked: number;
  /** The last line that ssh printed. */
  readonly message: string | undefined;
}

/** Reads the keeper's last state, or returns undefined when there is none. */
export function readKeeperState(connection: Pick<Connection, 'folder'>): KeeperState | undefined {
  return attempt(() => parseKeeperState(readFileSync(join(connection.folder, 'state'), 'utf8')));
}

export function parseKeeperState(text: string): KeeperState {
  const lines = text.split('\n').map((line) => /^(\S+) (.*)$/.exec(line));
  const values = (key: string) => lines.flatMap((line) => (line?.[1] === key ? [line[2] ?? ''] : []));
  const value = (key: string) => values(key)[0];
  const number = (key: string) => (value(key) === undefined ? undefined : Number(value(key)));
  return {
    phase: (value('state') ?? 'failed') as KeeperState['phase'],
    keeper: parseIdentity(value('keeper')),
    ssh: parseIdentity(value('ssh')),
    since: number('since'),
    tries: number('try'),
    nextTry: number('next'),
    up: values('up'),
    down: values('down'),
    looked: number('looked') ?? 0,
    message: value('message'),
  };
}

function parseIdentity(text: string | undefined): ProcessIdentity | undefined {
  const [, pid, startTime] = text?.match(/^(\d+) (.+)$/) ?? [];
  return pid && startTime ? { pid: Number(pid), startTime } : undefined;
}

/**
 * Returns the keeper's state, checked against the running processes: `connected` needs a running ssh, and each phase
 * needs a running keeper, except those in which a keeper gives up.
 */
export async function keeperState(connection: Pick<Connection, 'folder'>): Promise<KeeperState | undefined> {
  const state = readKeeperState(connection);
  if (state?.phase === 'needs-login' || state?.phase === 'failed') return state;
  if (!state?.keeper || !(await isAlive(state.keeper))) return undefined;
  const isLost = state.phase === 'connected' && !(state.ssh && (await isAlive(state.ssh)));
  return isLost ? { ...state, phase: 'reconnecting' } : state;
}

/** Whether ssh accepts sessions now. It creates its control socket after the login, just before it notifies the keeper. */
export function isOpen({ controlPath }: Connection, { phase }: KeeperState): boolean {
  return (phase === 'connected' || phase === 'connecting') && existsSync(controlPath);
}

/** Returns what the keeper and its last ssh printed. */
export function readSshOutput({ folder }: Connection): string {
  const logs = ['keeper-log', 'log'].map((name) => join(folder, name));
  return logs.map((log) => (existsSync(log) ? readFileSync(log, 'utf8') : '')).join('');
}
