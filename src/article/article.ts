import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { redactTokens } from '../jupyter/server.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { mainLine } from '../ssh/causes/messages.ts';
import { parseDestination } from '../ssh/destination.ts';
import { resolveDestination } from '../ssh/resolve.ts';
import { readRecords } from '../state/records.ts';
import { withServerLock } from '../state/server-lock.ts';
import type { Command } from '../system/command.ts';
import { type Context, timeLimit } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { ensurePrivateFolder, reason } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { isPortFree, portInUse } from '../system/port.ts';
import { isAlive, type ProcessIdentity, sendSignal, startTimeOf, waitForEnd } from '../system/process.ts';
import { outputOf, run } from '../system/run.ts';
import {
  articlePort,
  launchedOn,
  plainKillCommand,
  plainListCommand,
  plainProcessesCommand,
  plainStartCommand,
  plainStopCommand,
  plainTunnelCommand,
} from './commands.ts';
import { articleLog, articleRecord, forget, remember } from './store.ts';

/** Timeout for a process to end after a signal. */
const END_MS = 5000;
/** Timeout for the clean-up after a failure. */
const UNDO_TIMEOUT_MS = 15_000;
const LOOK_MS = 50;

/** The user on the host: the one in the destination, or else the one that ssh resolves. */
export async function remoteUser(spec: ServerSpec, context: Context): Promise<string> {
  return (
    parseDestination(spec.destination).user ?? (await resolveDestination(spec, context)).get('user') ?? ''
  );
}

/**
 * Runs the first two of the three commands. Returns the page that Jupyter logs, with its token. After a failure, only
 * what this function started is ended.
 */
export async function startPlain(spec: ServerSpec, timeoutMs: number, context: Context): Promise<string> {
  const command = plainStartCommand(spec);
  return withServerLock(spec.name, context, async () => {
    const isOurs = readRecords(context)[spec.name] !== undefined;
    if (isOurs || articleRecord(spec.name, context)) {
      throw new Failure(`"${spec.name}" is already started`, {
        remedy: `Stop it first: remote-notebook stop ${isOurs ? '' : '--plain '}${spec.name}`,
      });
    }
    ensurePrivateFolder(stateFolder(context.env));
    await verifyLocalPort(spec);
    const log = articleLog(spec, context);
    rmSync(log, { force: true });
    const startedAt = Date.now();
    let launch: ProcessIdentity | undefined;
    try {
      context.report.phase('launch');
      launch = await spawnPlain(command, log, spec, context);
      await remember({ spec, tunnel: undefined }, context);
      await openPlainTunnel(spec, context);
      context.report.phase('wait');
      return localPage(await pageInLog(log, launch, timeoutMs, spec, context), spec);
    } catch (error) {
      const undoContext = { ...context, signal: timeLimit(UNDO_TIMEOUT_MS) };
      await undoPlain(spec, launch, startedAt, undoContext).catch((undoError: unknown) => {
        context.report.note(`the clean-up failed: ${reason(undoError)}`);
      });
      throw error;
    }
  });
}

/** Runs only the second command, unless its tunnel is running. */
export function forwardPlain(spec: ServerSpec, context: Context): Promise<void> {
  return withServerLock(spec.name, context, () => openPlainTunnel(spec, context));
}

/** If the port is in use, ssh would run without its forward, and the page would belong to another program. */
async function verifyLocalPort(spec: ServerSpec): Promise<void> {
  const wanted = spec.localPort ?? articlePort(spec);
  if (await isPortFree(wanted)) return;
  throw new Failure(await portInUse(wanted), { remedy: 'Choose another one with --local-port.' });
}

async function openPlainTunnel(spec: ServerSpec, context: Context): Promise<void> {
  const known = articleRecord(spec.name, context)?.tunnel;
  if (known && (await isAlive(known))) return;
  ensurePrivateFolder(stateFolder(context.env));
  await verifyLocalPort(spec);
  const log = articleLog(spec, context);
  context.report.phase('forward');
  const tunnel = await spawnPlain(plainTunnelCommand(spec), log, spec, context);
  if (!tunnel)
    throw new Failure(`the tunnel to ${spec.destination} ended immediately`, { remedy: `See ${log}` });
  await remember({ spec, tunnel }, context);
}

/** Runs a command with ssh -f, and finds the process that stays in the background, unless it has ended already. */
async function spawnPlain(
  command: Command,
  log: string,
  spec: ServerSpec,
  context: Context,
): Promise<ProcessIdentity | undefined> {
  const before = await processesOf(command);
  const { code } = await run(command, context, { outputFile: log });
  if (code !== 0) throw new Failure(`${spec.destination}: ${mainLine(readFileSync(log, 'utf8'))}`);
  const [pid] = (await processesOf(command)).filter((other) => !before.includes(other));
  const startTime = pid === undefined ? undefined : await startTimeOf(pid);
  return pid === undefined || startTime === undefined ? undefined : { pid, startTime };
}

/** The PIDs of all processes with exactly this command line, without `nohup`. */
async function processesOf([, ...args]: Command): Promise<number[]> {
  const lines = (await outputOf(['ps', '-A', '-ww', '-o', 'pid=,args='])).split('\n');
  return lines
    .filter((line) => line.replace(/^\s*\d+\s/, '') === args.join(' '))
    .map((line) => Number.parseInt(line, 10));
}

/** Waits until Jupyter logs its page. The ssh of the start runs as long as Jupyter. */
async function pageInLog(
  log: string,
  launch: ProcessIdentity | undefined,
  timeoutMs: number,
  { destination }: ServerSpec,
  context: Context,
): Promise<URL> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const lives = launch !== undefined && (await isAlive(launch));
    const text = readFileSync(log, 'utf8');
    const page = /https?:\/\/(?:localhost|127\.0\.0\.1)\S*token=\S+/.exec(text)?.[0];
    if (page) return new URL(page);
    const end = `The end of its log:\n${redactTokens(text).trimEnd().split('\n').slice(-15).join('\n')}`;
    if (!lives) throw new Failure(`Jupyter ended on ${destination} while it started. ${end}`);
    if (Date.now() > deadline) {
      throw new Failure(
        `Jupyter did not log its URL on ${destination} within ${timeoutMs / 1000} s. ${end}`,
        {
          remedy: 'Allow more time with --timeout SECONDS.',
        },
      );
    }
    if (context.signal.aborted) throw new Interrupted();
    await pause(LOOK_MS);
  }
}

/** The page at its local port. If its port is in use, Jupyter uses another one, but the tunnel does not. */
function localPage(page: URL, spec: ServerSpec): string {
  const { destination, localPort } = spec;
  const port = articlePort(spec);
  if (Number(page.port) !== port) {
    throw new Failure(
      `port ${port} on ${destination} is already in use: Jupyter uses ${page.port}, but the tunnel leads to ${port}`,
      { remedy: 'Choose another one with --port.' },
    );
  }
  page.port = String(localPort ?? port);
  return page.href;
}

async function undoPlain(
  spec: ServerSpec,
  launch: ProcessIdentity | undefined,
  startedAt: number,
  context: Context,
): Promise<void> {
  if (launch && (await isAlive(launch))) {
    await endLaunched(spec, startedAt, context);
    if (!(await waitForEnd(launch, END_MS))) await sendSignal(launch, 'SIGTERM');
  }
  await forgetPlain(spec, context);
}

/** Ends what this start has started on the host. If that could be one of two processes, neither is ended. */
async function endLaunched(spec: ServerSpec, startedAt: number, context: Context): Promise<void> {
  const user = await remoteUser(spec, context);
  const processes = await outputOn(plainProcessesCommand(spec, user), spec, context, (code) => code === 0);
  // ps prints whole seconds.
  const maxAgeS = Math.ceil((Date.now() - startedAt) / 1000) + 1;
  const [ours, ...others] = launchedOn(articlePort(spec), maxAgeS, processes);
  if (!ours) return;
  if (others.length > 0) {
    const pids = [ours, ...others].map(([pid]) => pid).join(' or ');
    throw new Failure(
      `two Jupyter servers were started on ${spec.destination} at the same time; end yours there: PID ${pids}`,
    );
  }
  await run(plainKillCommand(spec, ours), context);
}

async function forgetPlain(spec: ServerSpec, context: Context): Promise<void> {
  const record = articleRecord(spec.name, context);
  if (record?.tunnel && (await sendSignal(record.tunnel, 'SIGTERM'))) await waitForEnd(record.tunnel, END_MS);
  rmSync(articleLog(spec, context), { force: true });
  if (record) await forget(spec.name, context);
}

/** What `pkill` would end on the host: every process of that user with jupyter in its name. */
export async function plainVictims(spec: ServerSpec, user: string, context: Context): Promise<string[]> {
  const found = await outputOn(plainListCommand(spec, user), spec, context, (code) => code !== 255);
  return found.split('\n').filter((line) => /^\d+ /.test(line));
}

/** Runs the third command, and ends the tunnel of the second one. */
export function stopPlain(spec: ServerSpec, user: string, context: Context): Promise<void> {
  return withServerLock(spec.name, context, async () => {
    // pkill exits with 1 if there was no process.
    await outputOn(plainStopCommand(spec, user), spec, context, (code) => code === 0 || code === 1);
    await forgetPlain(spec, context);
  });
}

/** The output of a command on the host. @throws Failure with ssh's message for an unexpected exit status */
async function outputOn(
  command: Command,
  { destination }: ServerSpec,
  context: Context,
  isFine: (code: number | null) => boolean,
): Promise<string> {
  const { code, stdout, stderr } = await run(command, context);
  if (isFine(code)) return stdout;
  throw new Failure(`${destination}: ${mainLine(stderr)}`);
}
