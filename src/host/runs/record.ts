import { isoTime } from '../../model/elapsed.ts';
import type { RunState, RunStatus } from '../../model/run.ts';
import { isName } from '../../model/server-spec.ts';
import { attempt } from '../../system/errors.ts';
import { secondsOf } from '../../system/process.ts';
import { type Frame, lastValue, valuesOf } from '../protocol.ts';
import { runJobIn } from './job.ts';

/** An event of a driver: see `Run` in driver.py. Its fields are checked where they are used, since a host may print anything. */
export type RunEvent = Readonly<Record<string, unknown>>;

/** The events in these frames, each once, in their order. A line that is not one is left out: a full disk can cut it. */
export function eventsIn(frames: readonly Frame[]): RunEvent[] {
  const lines = [...new Set(valuesOf(frames, 'run_event'))];
  return lines.flatMap((line) => {
    const event: unknown = attempt(() => JSON.parse(line));
    return typeof event === 'object' && event !== null && 'e' in event ? [event as RunEvent] : [];
  });
}

/** The runs that runs/list.sh reports. */
export function runsIn(frames: readonly Frame[], destination: string, nowMs: number): RunStatus[] {
  const groups: Frame[][] = [[]];
  for (const frame of frames) {
    groups.at(-1)?.push(frame);
    if (frame.key === 'run') groups.push([]);
  }
  return groups.flatMap((group) => runIn(group, destination, nowMs) ?? []);
}

/** The run that these frames describe; undefined if its last frame, a name, is missing. @param nowMs of this machine's clock */
export function runIn(frames: readonly Frame[], destination: string, nowMs: number): RunStatus | undefined {
  const name = lastValue(frames, 'run');
  if (name === undefined || !isName(name)) return undefined;
  const ofJob = runJobIn(frames, destination);
  // What was executed before the scheduler has put the job back into its queue does not count.
  const waits = ofJob?.state === 'queued';
  const events = waits ? [] : eventsIn(frames);
  const last = (kind: string) => events.findLast(({ e }) => e === kind);
  const [begin, end, cell] = [last('begin'), last('end'), last('cell')];
  const ready = last('ready');
  const hostNow = Number(lastValue(frames, 'now'));
  const at = (seconds: unknown) => isoTime(nowMs - Math.max(0, hostNow - secondsIn(seconds)) * 1000);
  const started = Number(lastValue(frames, 'started') ?? Number.NaN);
  const exit = waits ? null : exitIn(frames);
  const done = last('cell-done');
  const until = end ? secondsIn(end.t) : hostNow;
  const elapsedSeconds = elapsedIn(frames, end) ?? numberIn(Math.round(until - started));
  const error = textIn(end?.ename);
  const state = stateIn(frames, events, ofJob);
  return {
    name,
    destination,
    state,
    exit,
    cell: end?.state === 'done' ? null : cellIn(cell, end, at),
    done: numberIn(end?.done ?? done?.n) ?? 0,
    cells: numberIn(begin?.cells) ?? 0,
    startedAt: elapsedSeconds === null ? at(started) : at(until - elapsedSeconds),
    endedAt: at(end?.t),
    elapsedSeconds,
    kernel: textIn(begin?.kernel),
    program: textIn(ready?.program),
    error: error === null ? null : { name: error, value: textIn(end?.evalue) ?? '' },
    // What else than `stop` has cancelled it, only the scheduler knows.
    why: textIn(end?.why) ?? (end && end.state !== 'cancelled' ? null : (ofJob?.why ?? null)),
    words: textIn(end?.words),
    parameters: objectIn(begin?.parameters),
    notes: [
      ...valuesOf(frames, 'note'),
      ...events.flatMap(({ e, text }) => (e === 'note' && textIn(text)) || []),
    ],
    kept: last('released') || lastValue(frames, 'process') !== 'alive' ? null : textIn(last('kept')?.file),
    folder: lastValue(frames, 'folder') ?? '',
    directory: lastValue(frames, 'directory') ?? '',
    node: lastValue(frames, 'node') ?? ofJob?.job.node ?? '',
    job: ofJob?.job ?? null,
    from: lastValue(frames, 'from') ?? null,
  };
}

const ENDS: readonly unknown[] = [
  'done',
  'failed',
  'kernel-died',
  'timeout',
  'cancelled',
  'unfit',
  'broken',
] satisfies readonly RunState[];

/** An end is believed only by the exit status and the last event together: the driver writes the status when all else is on disk. */
function stateIn(
  frames: readonly Frame[],
  events: readonly RunEvent[],
  ofJob: ReturnType<typeof runJobIn>,
): RunState {
  const end = events.findLast(({ e }) => e === 'end')?.state;
  if (exitIn(frames) !== null && ENDS.includes(end))
    return end === 'cancelled' && ofJob?.isEndedByScheduler ? 'job-ended' : (end as RunState);
  if (ofJob?.state) return ofJob.state;
  if (lastValue(frames, 'elsewhere') !== undefined) return 'elsewhere';
  if (lastValue(frames, 'process') !== 'alive')
    return lastValue(frames, 'rebooted') === undefined ? 'lost' : 'rebooted';
  const kinds = events.map(({ e }) => e);
  if (kinds.lastIndexOf('waiting') > kinds.lastIndexOf('saved-again')) return 'waiting';
  if (kinds.includes('cancel')) return 'stopping';
  return kinds.includes('begin') ? 'running' : 'starting';
}

function cellIn(
  cell: RunEvent | undefined,
  end: RunEvent | undefined,
  at: (seconds: unknown) => string | null,
): RunStatus['cell'] {
  const index = numberIn(end?.i ?? cell?.i);
  const number = numberIn(end?.n ?? cell?.n);
  if (index === null || number === null) return null;
  const isSame = cell?.n === number;
  return { index, number, title: isSame ? textIn(cell?.title) : null, since: isSame ? at(cell?.t) : null };
}

/** How many seconds the run took, or has taken, as its processes measure it: the clock of its host may have been set meanwhile. */
function elapsedIn(frames: readonly Frame[], end: RunEvent | undefined): number | null {
  return numberIn(Math.round(end ? secondsIn(end.s) : secondsOf(lastValue(frames, 'elapsed') ?? '')));
}

function exitIn(frames: readonly Frame[]): number | null {
  const status = lastValue(frames, 'exit_status');
  return status !== undefined && /^\d{1,3}$/.test(status) ? Number(status) : null;
}

function numberIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

/** A time of the host's clock; not a number if it is none. */
function secondsIn(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
