import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isServed } from '../keeper/control.ts';
import { EventLog } from '../keeper/events.ts';
import { verdictOn } from '../keeper/links/verdict.ts';
import { type Connection, exitCommand, loginCommand } from '../ssh/arguments.ts';
import { connectionFailure } from '../ssh/causes/failure.ts';
import { mainLine, sshCause } from '../ssh/causes/messages.ts';
import type { Command } from '../system/command.ts';
import { type Context, timeLimit } from '../system/context.ts';
import { attempt, Failure, Interrupted } from '../system/errors.ts';
import { watchUntil, writePassingFile } from '../system/files.ts';
import { thisProgram } from '../system/installation.ts';
import { endProcessTree, startTimeOf, waitForEnd } from '../system/process.ts';
import { preloadRun, signalsHandled, startBackground, startChild, startDetached } from '../system/run.ts';
import {
  askKeeper,
  hangingKeeper,
  isOpen,
  keeperState,
  readKeeperState,
  readSshOutput,
  sshOutputSince,
} from './keeper.ts';

/** Timeout for the end of a keeper and its ssh, before they are killed. */
const GRACE_MS = 3000;
/** Timeout for a new keeper to accept requests: it takes 0.1 s, unless this machine is very busy. */
const KEEPER_TIMEOUT_MS = 20_000;
const LOOK_MS = 5;
/** The file with the process of a login. */
const LOGIN_FILE = 'login.json';

/** The command that keeps this connection open: see keeper/main.ts. */
export function keeperCommand({ folder, destination, sshConfig }: Connection): Command {
  const [program = process.execPath, ...args] = thisProgram();
  // See session/garbage.ts.
  return [
    program,
    '--expose-gc',
    ...args,
    '--keep',
    folder,
    destination,
    ...(sshConfig === undefined ? [] : [sshConfig]),
  ];
}

/** The command that logs in, and may ask on the terminal. The keeper takes over the ssh that it leaves. */
export function firstLoginCommand(connection: Connection): Command {
  return loginCommand(connection, join(connection.folder, 'login'), true);
}

/**
 * Opens the connection, unless it is open: starts its keeper, and an ssh that may ask on the terminal, and waits until it
 * has logged in. There is no time limit while the user types. The caller holds the connection's lock.
 * @throws SshFailure with ssh's own message when ssh cannot connect; nothing is left running then that was not before
 */
export async function openConnection(connection: Connection, context: Context): Promise<void> {
  const state = await keeperState(connection);
  if (state && isOpen(connection, state)) return;
  await endFormerLogin(connection);
  if (!state) return startKeeper(connection, context);
  // A keeper without a control socket has an ssh that accepts no more sessions, which is replaced.
  const now = state.phase === 'connected' ? state : await askKeeper(connection, { do: 'try' }, context);
  if (now && isOpen(connection, now)) return;
  if (now?.phase === 'reconnecting') throw await connectionFailure(connection, now.output ?? '', context);
  await logIn(connection, context);
}

async function startKeeper(connection: Connection, context: Context): Promise<void> {
  // An ssh whose keeper was killed would keep its sessions on the host.
  await endProcesses(connection);
  const keeper = await startDetached(
    keeperCommand(connection),
    context,
    join(connection.folder, 'keeper-log'),
  );
  try {
    await logIn(connection, context, keeper.ended);
  } catch (error) {
    // The keeper may not have written its state yet.
    const startTime = await startTimeOf(keeper.pid);
    if (startTime !== undefined) await endProcessTree({ pid: keeper.pid, startTime }, GRACE_MS);
    await closeConnection(connection);
    throw error;
  }
}

/** Logs in, and gives the ssh to the keeper. */
async function logIn(
  connection: Connection,
  context: Context,
  keeperEnded: Promise<unknown> = new Promise(() => {}),
): Promise<void> {
  const { folder } = connection;
  const log = join(folder, 'log');
  const controlPath = join(folder, 'login');
  for (const path of [log, controlPath]) rmSync(path, { force: true });
  const ssh = await startBackground(firstLoginCommand(connection), context, log);
  const startTime = (await startTimeOf(ssh.pid)) ?? '';
  writePassingFile(join(folder, LOGIN_FILE), JSON.stringify({ pid: ssh.pid, startTime }));
  // ssh takes some time to log in: the modules of the next steps are loaded meanwhile.
  preloadRun();
  try {
    await shownUntil(ssh.ended, connection, context);
  } catch (error) {
    await endProcessTree({ pid: ssh.pid, startTime }, GRACE_MS);
    throw error;
  }
  await signalsHandled();
  if (context.signal.aborted) throw new Interrupted();
  if (!existsSync(controlPath)) {
    const output = readSshOutput(connection);
    const verdict = verdictOn(output) === 'needs-login' ? 'needs-login' : 'failed';
    new EventLog(connection).add('closed', `${verdict} - ${mainLine(output)}`);
    throw await connectionFailure(connection, output, context);
  }
  await keeperReady(connection, context, keeperEnded);
  if (!(await askKeeper(connection, { do: 'adopt', controlPath }, context))) throw hangingKeeper(connection);
}

/** Ends the ssh of a command that was killed before the keeper had taken it over. */
async function endFormerLogin(connection: Pick<Connection, 'folder'>): Promise<void> {
  const { folder } = connection;
  const former = attempt(() => JSON.parse(readFileSync(join(folder, LOGIN_FILE), 'utf8')));
  if (former) await endProcessTree(former, GRACE_MS);
  // After the login, ssh has another PID.
  const controlPath = join(folder, 'login');
  if (!existsSync(controlPath)) return;
  // Without pipes, it also starts where few file descriptors are left.
  const exit = startChild(exitCommand(controlPath), process.env, 'ignore', 'ignore');
  await once(exit, 'exit').catch(() => {});
}

/** Waits for the end of ssh's login, and shows what it prints meanwhile: a banner, or the explanation of a question. */
async function shownUntil(ended: Promise<unknown>, connection: Connection, { signal, report }: Context) {
  let shown = 0;
  const look = () => {
    const { text, end } = sshOutputSince(connection, shown);
    if (text !== '') report.passThrough(text, isRepeated(readSshOutput(connection)));
    shown = end;
    return undefined;
  };
  await watchUntil(connection.folder, look, signal, ended);
  look();
}

async function keeperReady(
  connection: Connection,
  { signal }: Context,
  ended: Promise<unknown>,
): Promise<void> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const deadline = Date.now() + KEEPER_TIMEOUT_MS;
  while (!(await isServed(connection))) {
    if (signal.aborted) throw new Interrupted();
    if (hasEnded || Date.now() > deadline)
      throw new Failure(`the keeper of the connection to ${connection.destination} could not be started`, {
        remedy: readSshOutput(connection).trim().split('\n').at(-1),
      });
    await pause(LOOK_MS);
  }
}

/** Whether the failure will show this output again. A question that ssh repeats must be seen now. */
function isRepeated(output: string): boolean {
  return sshCause(output) !== 'other' && !/try again/.test(output);
}

/** Ends the keeper and its ssh, and removes their folder. Does nothing when there is no connection. */
export async function closeConnection(connection: Pick<Connection, 'folder'>): Promise<void> {
  await endProcesses(connection);
  rmSync(connection.folder, { recursive: true, force: true });
}

async function endProcesses(connection: Pick<Connection, 'folder'>): Promise<void> {
  await endFormerLogin(connection);
  const state = readKeeperState(connection);
  // A keeper that can, tells the host that its sessions have ended. There may be one whose state was removed.
  const signal = timeLimit(GRACE_MS);
  const stopped = await askKeeper(connection, { do: 'stop' }, { signal }).catch(() => undefined);
  if (stopped) await waitForEnd(stopped.keeper, GRACE_MS);
  if (state) await endProcessTree(state.keeper, GRACE_MS);
  if (state?.ssh) await endProcessTree(state.ssh, GRACE_MS);
}
