import type { ServerSpec } from '../model/server-spec.ts';
import { type Connection, scriptCommand } from '../ssh/arguments.ts';
import { handCommand, sessionFailure } from '../ssh/messages.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';
import { HostFailure, reportIn } from './failures.ts';
import { type Frame, lastValue, outputReader } from './protocol.ts';
import { type Script, scriptText } from './script.ts';

/**
 * A host with `MaxSessions 1` may need a moment to close the last session before it takes the next: the keeper begins one
 * with each connection, and the start-up files of the login shell may be slow.
 */
const SESSION_TRIES = 100;
const SESSION_PAUSE_MS = 100;

/** So many characters of frames, and of what stands before them, are kept: no script's answer has nearly as many. */
const MOST_HEARD = 10_000_000;

/** A script's first word comes behind the start-up files of the login shell, which may be slow, and before any work. */
const FIRST_WORD_MS = 60_000;

/** ssh's own exit status; any other is that of the host's shell. */
const SSH_FAILED = 255;

/**
 * Runs a script on the host over the connection, and answers with its frames. One that is yet to come finds its session
 * open; should there be none in the end, nothing is run.
 * @throws Failure when the host does not run it, says more than any script does, or nothing for a minute
 */
export async function runScript(
  connection: Connection,
  script: Script | Promise<Script | undefined>,
  context: Context,
  onFrame: (frame: Frame) => unknown = () => {},
  onText: (line: string) => void = () => {},
): Promise<Frame[]> {
  const frames: Frame[] = [];
  // The lines before the first frame: of start-up files, not of the script.
  const said: string[] = [];
  let heard = 0;
  let silence: NodeJS.Timeout | undefined;
  const enough = new AbortController();
  const keep = <T>(kept: T[], value: T, { length }: string) => {
    heard += length;
    if (heard > MOST_HEARD) enough.abort();
    else kept.push(value);
  };
  const onLine = outputReader(
    (frame) => {
      clearTimeout(silence);
      keep(frames, frame, frame.value);
      onFrame(frame);
    },
    (line) => {
      if (frames.length === 0) keep(said, line, line);
      onText(line);
    },
  );
  const input = Promise.resolve(script).then((known) => {
    if (!known) return '';
    silence = setTimeout(() => enough.abort(), FIRST_WORD_MS);
    return scriptText(known);
  });
  const bounded = { ...context, signal: AbortSignal.any([context.signal, enough.signal]) };
  try {
    for (let tries = 1; ; tries++) {
      const { code, stderr } = await run(scriptCommand(connection), bounded, { input, onLine });
      if ((await input) === '') return frames;
      if (frames.length === 0 && code !== SSH_FAILED)
        throw noAnswer(connection, [...said, ...stderr.split('\n')]);
      if (code === 0) return frames;
      const failure = sessionFailure(connection, stderr);
      if (failure.reason !== 'sessions-used-up' || tries === SESSION_TRIES) throw failure;
      await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
    }
  } catch (error) {
    if (!enough.signal.aborted || context.signal.aborted) throw error;
    throw unusable(connection, heard > MOST_HEARD, said[0]);
  } finally {
    clearTimeout(silence);
  }
}

/**
 * The same, for a server on that host.
 * @throws HostFailure with what the script could not do
 */
export async function askHost(
  connection: Connection,
  spec: ServerSpec,
  script: Script | Promise<Script | undefined>,
  context: Context,
  onFrame?: (frame: Frame) => void,
  onText?: (line: string) => void,
): Promise<Frame[]> {
  const frames = await runScript(connection, script, context, onFrame, onText);
  if (lastValue(frames, 'failed') === undefined) return frames;
  throw new HostFailure(reportIn(frames), spec);
}

/** A start-up file of the host prints in a loop, or waits, or its other end is no script of ours. */
function unusable(connection: Connection, isTooMuch: boolean, said: string | undefined): Failure {
  const what = isTooMuch ? 'answers without end' : `has not run a script within ${FIRST_WORD_MS / 1000} s`;
  const words = said?.slice(0, 80);
  return new Failure(
    `${connection.destination} ${what}${words === undefined ? '' : `, and said: ${words}`}`,
    { remedy: `Look at its start-up files. Try: echo 'echo works' | ${handCommand(connection)} /bin/sh -s` },
  );
}

/** The account has no shell, or one that runs something else than what it is told. */
function noAnswer(connection: Connection, said: readonly string[]): Failure {
  const words = said.map((line) => line.trim()).filter((line) => line !== '');
  return new Failure(
    `${connection.destination} did not run what it was told${words.length > 0 ? `, and said: ${words.slice(-3).join(' / ')}` : ''}`,
    {
      remedy: `It takes an account that may run commands, and a POSIX /bin/sh. Try: echo 'echo works' | ${handCommand(connection)} /bin/sh -s`,
    },
  );
}
