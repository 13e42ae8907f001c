import { setTimeout as pause } from 'node:timers/promises';
import type { OnHost } from '../host/run-script.ts';
import { withQueue } from '../host/runs/job.ts';
import { readRunLog, runOn } from '../host/runs/runs.ts';
import { hasEnded, type RunStatus } from '../model/run.ts';
import type { Host } from '../ssh/arguments.ts';
import { SshFailure } from '../ssh/causes/messages.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { oneLine } from '../system/one-line.ts';
import type { OnLine } from '../system/streams/lines.ts';
import { withHost } from './place.ts';

/** The pauses before a log is followed again after the connection was lost; the last one applies from then on. */
const PAUSES_MS = [1000, 2000, 5000, 10_000, 30_000];

/** Prints the last lines that the cells of a run have printed. */
export function printRunLog(
  name: string,
  host: Host,
  lines: number,
  print: (line: string) => Promise<void> | void,
  context: Context,
): Promise<RunStatus> {
  return withHost(host, context, async (server) => {
    const status = await runOn(server, name);
    await readRunLog(server, status.folder, { lines: String(lines), follow: false }, (line) => print(line));
    return status;
  });
}

/** Receives what is new about a run that is followed. */
export interface RunReader {
  /** A line that a cell has printed, or the title of a cell. Its promise is awaited before more is read. */
  print(line: string): Promise<void> | void;
  /** The beginning of a line that is not complete yet, about once a second. */
  begun(text: string): void;
  /** How the run is, each time that it begins to be followed, or its scheduler says something else about its job. */
  status(status: RunStatus): void;
}

/**
 * Prints what the cells of a run print until it ends, each line once: after a loss of the connection it continues where it was.
 * @param lines how many of the last lines to print first, or `+N` for all from line N on
 * @returns the status of the run at its end
 */
export async function followRun(
  name: string,
  host: Host,
  lines: string,
  reader: RunReader,
  context: Context,
): Promise<RunStatus> {
  let next: number | undefined = /^\+/.test(lines) ? Number(lines) : undefined;
  const onLine: OnLine = (line, end) => {
    // The rest of a line that was cut is lost with the connection: all of it comes again.
    if (end === 'cut' && next !== undefined) return;
    if (end === 'break' && next !== undefined) next++;
    return reader.print(line);
  };
  const follow = async (server: OnHost) => {
    const status = verifyReached(await runOn(server, name));
    reader.status(status);
    const wanted = { lines: next === undefined ? lines : `+${next}`, follow: true };
    await readRunLog(server, status.folder, wanted, onLine, ({ key, value }) => {
      if (key === 'first') next = Number(value);
      if (key === 'alive' && value !== '') reader.begun(value);
      if (key === 'queue') reader.status(withQueue(status, value));
    });
    const now = verifyReached(await runOn(server, name));
    // The tail on the host may not have read the last lines when the run ended.
    if (hasEnded(now) && next !== undefined)
      await readRunLog(server, now.folder, { lines: `+${next}`, follow: false }, (line) =>
        reader.print(line),
      );
    return now;
  };
  for (let losses = 0; ; losses++) {
    const before = next;
    try {
      const status = await withHost(host, context, follow);
      if (hasEnded(status)) return status;
    } catch (error) {
      if (!(error instanceof SshFailure) || context.signal.aborted) throw error;
      context.report.note(`the connection to ${host.destination} was lost, the run continues; trying again`);
    }
    if (next !== before) losses = 0;
    await pause(PAUSES_MS[Math.min(losses, PAUSES_MS.length - 1)], undefined, {
      signal: context.signal,
    }).catch(() => {});
  }
}

/** @throws Failure for a run on another node than the one that answers: whether it is alive cannot be seen from here */
function verifyReached(status: RunStatus): RunStatus {
  const { name, state, destination, node } = status;
  if (state !== 'elsewhere') return status;
  throw new Failure(
    `cannot follow ${name}: it is on ${oneLine(node)}, and ${destination} is another node this time`,
    {
      remedy: `The run is not affected. Use ${oneLine(node)} as the destination: remote-notebook runs ${oneLine(node)}`,
    },
  );
}
