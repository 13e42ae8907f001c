import { setTimeout as pause } from 'node:timers/promises';
import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, scriptCommand } from '../ssh/arguments.ts';
import { manualCommand, sessionFailure } from '../ssh/causes/messages.ts';
import { type Context, endedBy, timeLimit } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { type Result, run } from '../system/run.ts';
import type { OnLine } from '../system/streams/lines.ts';
import { readSshOutput } from '../tunnel/keeper.ts';
import { whileResponding } from '../tunnel/master.ts';
import { HostFailure, reportIn } from './failures.ts';
import { type Frame, lastValue } from './protocol.ts';
import { notRun, trial } from './refusals.ts';
import { type Script, scriptText } from './script.ts';
import { ScriptOutput } from './script-output.ts';

/**
 * A host with `MaxSessions 1` may need a moment to close its last session: the keeper begins one with each connection,
 * and the start-up files of the login shell may be slow.
 */
const SESSION_TRIES = 15;
/** The pause after each try is longer than the last one by this, up to a second. */
const SESSION_PAUSE_MS = 100;
/** Timeout for the cleanup after a failure. */
const CLEANUP_TIMEOUT_MS = 30_000;

/** ssh's own exit status; any other is that of the host's shell. */
const SSH_FAILED = 255;

/**
 * Runs a script on the host over the connection, and returns its frames.
 * @param script may still be pending while the session is opened; if it resolves to undefined, nothing is run
 * @param onText receives the lines that are not frames
 * @throws Failure when the host does not run it, prints too much, prints no frame for a minute, or takes too long;
 *   HangingSsh when ssh does not respond, except while it prints a log
 */
export async function runScript(
  connection: Connection,
  script: Script | Promise<Script | undefined>,
  context: Context,
  onFrame: (frame: Frame) => unknown = () => {},
  onText: OnLine = () => {},
): Promise<Frame[]> {
  const giveUp = new AbortController();
  const output = new ScriptOutput(onFrame, onText, (what, advice) => {
    const remedy = `${advice} ${trial(manualCommand(connection))}`;
    giveUp.abort(unusable(connection, what, remedy, output.printed[0]?.slice(0, 80)));
  });
  const input = Promise.resolve(script).then((known) => {
    if (!known) return '';
    output.begin(known);
    return scriptText(known);
  });
  try {
    await whileResponding(connection, endedBy(giveUp.signal, context), (watched, endWatch) => {
      output.onLog = endWatch;
      return inSession(connection, output, input, watched);
    });
    return output.frames;
  } catch (error) {
    throw giveUp.signal.aborted && !context.signal.aborted ? giveUp.signal.reason : error;
  } finally {
    output.end();
  }
}

/** Runs a script that only looks. Returns the frames that it sends in time; what a host does not report is unknown. */
export async function framesWithin(
  connection: Connection,
  script: Script,
  timeoutMs: number,
  context: Context,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  try {
    const bounded = endedBy(timeLimit(timeoutMs), context);
    await runScript(connection, script, bounded, (frame) => frames.push(frame));
  } catch (error) {
    if (context.signal.aborted) throw new Interrupted();
    if (!(error instanceof Failure)) throw error;
  }
  return frames;
}

/** Sends the input to a session on the host, and reads its output to the end. */
async function inSession(
  connection: Connection,
  { frames, printed, onLine }: ScriptOutput,
  input: Promise<string>,
  context: Context,
): Promise<void> {
  const { code, stderr } = await inFreeSession(connection, () =>
    run(scriptCommand(connection), context, { input, onLine }),
  );
  if ((await input) === '') return;
  if (frames.length === 0 && code !== SSH_FAILED) {
    const lines = [...printed, ...stderr.split('\n')].map((line) => line.trim()).filter(Boolean);
    const reason = notRun(lines, code, manualCommand(connection));
    throw unusable(connection, reason.what, reason.remedy, reason.printed);
  }
  if (code !== 0) throw sessionFailure(connection, stderr, readSshOutput(connection));
}

/**
 * Opens a session on the host. While the host has no free session, it is opened again, up to a limit.
 * @param open runs its ssh command
 */
export async function inFreeSession(connection: Connection, open: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const result = await open();
    if (result.code !== SSH_FAILED || tries === SESSION_TRIES) return result;
    const { reason } = sessionFailure(connection, result.stderr, readSshOutput(connection));
    if (reason !== 'sessions-used-up') return result;
    await pause(Math.min(1000, tries * SESSION_PAUSE_MS));
  }
}

/** A server, and the connection to its host, over which scripts run for it. */
export interface OnHost {
  readonly connection: Connection;
  readonly spec: ServerSpec;
  readonly context: Context;
}

/**
 * Runs a script for a server on its host, and returns its frames.
 * @throws HostFailure with the cause that the script reports
 */
export async function askHost(
  { connection, spec, context }: OnHost,
  script: Script | Promise<Script | undefined>,
  onFrame?: (frame: Frame) => void,
  onText?: OnLine,
): Promise<Frame[]> {
  const frames = await runScript(connection, script, context, onFrame, onText);
  if (lastValue(frames, 'failed') === undefined) return frames;
  throw new HostFailure(reportIn(frames), spec);
}

function unusable(connection: Connection, what: string, remedy: string, printed = ''): Failure {
  return new Failure(`${connection.destination} ${what}${printed && `; it printed: ${printed}`}`, { remedy });
}

/**
 * Undoes what a start that has failed has left on the host, also after an interrupt.
 * @returns why the host has not confirmed it; undefined if it has
 */
export async function cleanUp(
  server: OnHost,
  undo: (server: OnHost) => Promise<void>,
): Promise<string | undefined> {
  const late = timeLimit(CLEANUP_TIMEOUT_MS);
  try {
    await undo({ ...server, context: { ...server.context, signal: late } });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return late.aborted ? `it took longer than ${CLEANUP_TIMEOUT_MS / 1000} s` : error.message;
  }
}
