import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestKeeper } from '../keeper/control.ts';
import { readWay, type Way } from '../keeper/routes/ways.ts';
import { type KeeperStatus, STATUS_FILE } from '../keeper/status.ts';
import type { Request } from '../keeper/wanted.ts';
import { type Connection, type Forward, forwardSpec } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { attempt, Failure, Interrupted, limitRemedy } from '../system/errors.ts';
import { readSince } from '../system/files.ts';
import { isAlive } from '../system/process.ts';

/** The state that a keeper wrote last, or returned. */
export type KeeperState = KeeperStatus;

/** Reads the keeper's last state, or returns undefined when there is none. */
export function readKeeperState(connection: Pick<Connection, 'folder'>): KeeperState | undefined {
  return attempt(() => JSON.parse(readFileSync(join(connection.folder, STATUS_FILE), 'utf8')));
}

/**
 * Returns the keeper's state, checked against the running processes: undefined without a running keeper. `connected`
 * needs a running ssh.
 */
export async function keeperState(connection: Pick<Connection, 'folder'>): Promise<KeeperState | undefined> {
  const state = readKeeperState(connection);
  if (!state || !(await isAlive(state.keeper))) return undefined;
  const isLost = state.phase === 'connected' && !(state.ssh && (await isAlive(state.ssh)));
  return isLost ? { ...state, phase: 'reconnecting' } : state;
}

/** Whether ssh accepts sessions now. */
export function isOpen({ controlPath }: Connection, { phase }: KeeperState): boolean {
  return phase === 'connected' && existsSync(controlPath);
}

/** Whether a forward is usable in this state. */
export function isUp(state: KeeperState | undefined, forward: Forward): boolean {
  return state?.phase === 'connected' && state.up.includes(forwardSpec(forward));
}

/**
 * Sends a request to the keeper, and returns its state afterwards; undefined if there is no keeper.
 * @throws Interrupted when the signal is aborted, Failure when the keeper has met a limit of this machine
 */
export async function askKeeper(
  connection: Pick<Connection, 'folder'>,
  request: Request,
  { signal }: Pick<Context, 'signal'>,
): Promise<KeeperState | undefined> {
  const response = await requestKeeper(connection, request, signal).catch(() => undefined);
  if (signal.aborted) throw new Interrupted();
  const { error, code } = (response ?? {}) as { error?: string; code?: string };
  const remedy = limitRemedy(Object.assign(new Error(error), { code }));
  if (remedy !== undefined)
    throw new Failure(`the keeper of this connection has failed: ${error}`, { remedy });
  return error === undefined ? (response as KeeperState | undefined) : undefined;
}

/** The failure when a keeper does not respond: it was stopped, or hangs. */
export function hangingKeeper(connection: Pick<Connection, 'folder' | 'destination'>): Failure {
  const pid = readKeeperState(connection)?.keeper.pid;
  return new Failure(`the keeper of the connection to ${connection.destination} does not respond`, {
    remedy: `${pid === undefined ? 'Run' : `End it (kill -KILL ${pid}), and run`} the command again.`,
  });
}

/** Returns what the keeper and its last ssh printed; of long output, only the end. */
export function readSshOutput({ folder }: Connection): string {
  return ['keeper-log', 'log'].map((name) => readLog(join(folder, name), 0).text).join('');
}

/** Returns what ssh has printed after the byte `start` of its log, and where the log ends. Each ssh has a log of its own. */
export function sshOutputSince({ folder }: Connection, start: number): { text: string; end: number } {
  const log = join(folder, 'log');
  const output = readLog(log, start);
  return output.end < start ? readLog(log, 0) : output;
}

function readLog(path: string, start: number): { text: string; end: number } {
  return attempt(() => readSince(path, start)) ?? { text: '', end: 0 };
}

/** What the keeper of a connection has found out about ssh to the nodes behind its host; undefined if that is not known. */
export function wayToNodes(connection: Connection): Way | undefined {
  return readWay(connection);
}
