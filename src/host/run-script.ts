import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, scriptCommand } from '../ssh/arguments.ts';
import { manualCommand, sessionFailure } from '../ssh/messages.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';
import { HostFailure, reportIn } from './failures.ts';
import { type Frame, lastValue, outputReader } from './protocol.ts';
import { type Script, scriptText } from './script.ts';

/**
 * A host with `MaxSessions 1` may need a moment to close its last session: the keeper begins one with each connection,
 * and the start-up files of the login shell may be slow.
 */
const SESSION_TRIES = 100;
const SESSION_PAUSE_MS = 100;

/** Maximum number of characters of output that are kept. No script prints nearly as many. */
const MAX_OUTPUT = 10_000_000;

/** Timeout for a script's first frame, which comes after the start-up files of the login shell, and before any work. */
const FIRST_FRAME_MS = 60_000;

/** ssh's own exit status; any other is that of the host's shell. */
const SSH_FAILED = 255;

/**
 * Runs a script on the host over the connection, and returns its frames.
 * @param script may still be pending while the session is opened; if it resolves to undefined, nothing is run
 * @throws Failure when the host does not run it, prints too much, or prints no frame for a minute
 */
export async function runScript(
  connection: Connection,
  script: Script | Promise<Script | undefined>,
  context: Context,
  onFrame: (frame: Frame) => unknown = () => {},
  onText: (line: string) => void = () => {},
): Promise<Frame[]> {
  const frames: Frame[] = [];
  // The lines before the first frame, which start-up files print.
  const printed: string[] = [];
  let size = 0;
  let silence: NodeJS.Timeout | undefined;
  const giveUp = new AbortController();
  const keep = <T>(kept: T[], value: T, { length }: string) => {
    size += length;
    if (size > MAX_OUTPUT) giveUp.abort();
    else kept.push(value);
  };
  const onLine = outputReader(
    (frame) => {
      clearTimeout(silence);
      keep(frames, frame, frame.value);
      onFrame(frame);
    },
    (line) => {
      if (frames.length === 0) keep(printed, line, line);
      onText(line);
    },
  );
  const input = Promise.resolve(script).then((known) => {
    if (!known) return '';
    silence = setTimeout(() => giveUp.abort(), FIRST_FRAME_MS);
    return scriptText(known);
  });
  const bounded = { ...context, signal: AbortSignal.any([context.signal, giveUp.signal]) };
  try {
    for (let tries = 1; ; tries++) {
      const { code, stderr } = await run(scriptCommand(connection), bounded, { input, onLine });
      if ((await input) === '') return frames;
      if (frames.length === 0 && code !== SSH_FAILED) {
        const lines = [...printed, ...stderr.split('\n')].map((line) => line.trim()).filter(Boolean);
        const remedy = 'The account must be allowed to run commands, and the host needs a POSIX /bin/sh.';
        throw unusable(connection, 'did not run our script', remedy, lines.slice(-3).join(' / '));
      }
      if (code === 0) return frames;
      const failure = sessionFailure(connection, stderr);
      if (failure.reason !== 'sessions-used-up' || tries === SESSION_TRIES) throw failure;
      await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
    }
  } catch (error) {
    if (!giveUp.signal.aborted || context.signal.aborted) throw error;
    const isTooMuch = size > MAX_OUTPUT;
    const what = isTooMuch ? 'keeps printing output' : `did not run our script in ${FIRST_FRAME_MS / 1000} s`;
    throw unusable(connection, what, 'Check its start-up files.', printed[0]?.slice(0, 80));
  } finally {
    clearTimeout(silence);
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
  onText?: (line: string) => void,
): Promise<Frame[]> {
  const frames = await runScript(connection, script, context, onFrame, onText);
  if (lastValue(frames, 'failed') === undefined) return frames;
  throw new HostFailure(reportIn(frames), spec);
}

function unusable(connection: Connection, what: string, remedy: string, printed = ''): Failure {
  return new Failure(`${connection.destination} ${what}${printed && `; it printed: ${printed}`}`, {
    remedy: `${remedy} Try: echo 'echo works' | ${manualCommand(connection)} /bin/sh -s`,
  });
}
