import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { isAlive, type ProcessIdentity } from '../system/process.ts';

type KeeperWord = 'connecting' | 'connected' | 'reconnecting' | 'needs-login' | 'failed';

/** What the keeper wrote last; see keeper.sh. */
export interface KeeperState {
  readonly word: KeeperWord;
  readonly keeper: ProcessIdentity | undefined;
  readonly ssh: ProcessIdentity | undefined;
  /** When the connection came up, in seconds since 1970. */
  readonly since: number | undefined;
  /** Which try comes next, and when, in seconds since 1970. */
  readonly tries: number | undefined;
  readonly nextTry: number | undefined;
  /** The forwards that this ssh holds, and those that it could not get, as `-L` takes them. */
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** How often the keeper has looked at the wanted forwards. */
  readonly looked: number;
  /** ssh's last words. */
  readonly said: string | undefined;
}

/** What the keeper wrote, or undefined when there is nothing to read. */
export function readKeeperState(connection: Pick<Connection, 'folder'>): KeeperState | undefined {
  try {
    return parseKeeperState(readFileSync(join(connection.folder, 'state'), 'utf8'));
  } catch {
    return undefined;
  }
}

export function parseKeeperState(text: string): KeeperState {
  const lines = text.split('\n').map((line) => /^(\S+) (.*)$/.exec(line));
  const value = (key: string) => lines.find((line) => line?.[1] === key)?.[2];
  const values = (key: string) => lines.filter((line) => line?.[1] === key).map((line) => line?.[2] ?? '');
  const number = (key: string) => (value(key) === undefined ? undefined : Number(value(key)));
  return {
    word: (value('state') ?? 'failed') as KeeperWord,
    keeper: parseIdentity(value('keeper')),
    ssh: parseIdentity(value('ssh')),
    since: number('since'),
    tries: number('try'),
    nextTry: number('next'),
    up: values('up'),
    down: values('down'),
    looked: number('looked') ?? 0,
    said: value('said'),
  };
}

function parseIdentity(text: string | undefined): ProcessIdentity | undefined {
  const [, pid, startTime] = text?.match(/^(\d+) (.+)$/) ?? [];
  return pid && startTime ? { pid: Number(pid), startTime } : undefined;
}

/**
 * The keeper's state as the world has it: what it wrote counts only while the keeper lives, and `connected`
 * only while its ssh does. A keeper that gave up has ended, and its last word stands.
 */
export async function keeperState(connection: Pick<Connection, 'folder'>): Promise<KeeperState | undefined> {
  const state = readKeeperState(connection);
  if (!state) return undefined;
  if (state.word === 'needs-login' || state.word === 'failed') return state;
  if (state.keeper && (await isAlive(state.keeper))) {
    const sshLives = state.ssh !== undefined && (await isAlive(state.ssh));
    return state.word === 'connected' && !sshLives ? { ...state, word: 'reconnecting' } : state;
  }
  return undefined;
}

/** Whether ssh takes sessions now. It makes its control socket when it has logged in, just before the keeper hears of it. */
export function isOpen({ controlPath }: Connection, { word }: KeeperState): boolean {
  return (word === 'connected' || word === 'connecting') && existsSync(controlPath);
}

/** What ssh said in its last round. */
export function readWords(connection: Connection): string {
  return ['keeper-log', 'log']
    .map((name) => {
      try {
        return readFileSync(join(connection.folder, name), 'utf8');
      } catch {
        return '';
      }
    })
    .join('');
}
