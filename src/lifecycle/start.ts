import { isDeepStrictEqual } from 'node:util';
import type { FoundServer } from '../host/listing.ts';
import type { Script } from '../host/script.ts';
import type { HostServer } from '../host/server-record.ts';
import {
  adoptScript,
  findServer,
  type Launch,
  launchScript,
  obtainServer,
  undoLaunch,
} from '../host/servers.ts';
import { proveServer } from '../jupyter/api.ts';
import { pageUrl } from '../jupyter/server.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { unmetSettings } from '../model/settings.ts';
import type { Connection } from '../ssh/arguments.ts';
import {
  isJoined,
  type JoinedRecord,
  NO_FORWARDS,
  putRecord,
  readRecords,
  type ServerRecord,
  updateRecords,
  withoutRecord,
} from '../state/records.ts';
import { shellQuote } from '../system/command.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure, Interrupted, UsageError } from '../system/errors.ts';
import { withClaim } from '../tunnel/connection.ts';
import { LocalPort } from '../tunnel/local-port.ts';
import { connectionOf, openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { prove, reachableApi, withVersion } from './prove.ts';
import { type Task, withServer } from './task.ts';

/** How a server is come by. */
export type Way =
  /** It is started, unless it runs. */
  | {
      readonly kind: 'start';
      /** How long Jupyter may take to come up. */
      readonly timeoutMs: number;
      /** The token of a new server, in the place of the one that has just ended; a random one without. */
      readonly token?: string;
    }
  /** It has to run. */
  | { readonly kind: 'join' }
  /** Something else has started it, and its host has no record of it yet. */
  | { readonly kind: 'adopt'; readonly server: FoundServer };

export interface Started {
  readonly record: JoinedRecord;
  /** Whether the server ran before. */
  readonly joined: boolean;
  /** The page, without the token. */
  readonly url: string;
}

/** One look at a server that should be there. */
const LOOK_TIMEOUT_MS = 5000;
/** How long the clean-up on the host may take after a failure. */
const UNDO_TIMEOUT_MS = 30_000;

/**
 * Comes by the server, and leads a port of this machine to it. When this returns, it has answered through the tunnel. Any
 * failure undoes what was begun, on both sides.
 */
export function startServer(spec: ServerSpec, way: Way, context: Context): Promise<Started> {
  return withServer(spec, context, (task) => startHeld(task, way));
}

/** The same, for a caller that holds the server's lock. */
export async function startHeld(task: Task, way: Way): Promise<Started> {
  const { spec, before, connection, context } = task;
  if (before) {
    verifySameServer(before, spec);
    const joined = isMeant(before, way) ? await joinKnown(before, spec, context) : undefined;
    if (joined) return joined;
  }
  try {
    const result = await withClaim(connection, context, () => startClaimed(task, way));
    // With another -F its tunnel was another one.
    if (before) await releaseFormer(before, connection, uninterrupted(context));
    return result;
  } catch (error) {
    await releaseTunnel(connection, uninterrupted(context));
    throw error;
  }
}

/** Whether the server on record may be the one that is asked for: a restart has just ended it. */
function isMeant({ jupyter }: ServerRecord, way: Way): boolean {
  if (way.kind === 'adopt') return isDeepStrictEqual(way.server.identity, jupyter?.identity);
  return way.kind === 'join' || way.token === undefined;
}

async function startClaimed(task: Task, way: Way): Promise<Started> {
  const { spec, before, connection, context } = task;
  const localPort = new LocalPort(connection, spec, before?.forwards ?? NO_FORWARDS, context);
  const launch: Launch = {
    // It has to be unique, and is no secret.
    id: Math.random().toString(36).slice(2),
    onBoot: (isHere) => {
      localPort.prepare(isHere);
      preloadLastSteps();
    },
  };
  try {
    context.report.phase('connect');
    await openTunnel(connection, context);
    context.report.phase('launch');
    const found = await comeBy(task, way, launch);
    noteDifferences(spec, found, context);
    context.report.phase('forward');
    const led = await localPort.leadTo(found.record);
    context.report.phase('prove');
    const record = await prove(led, connection, context);
    await putRecord(record, context);
    return started(record, found.joined);
  } catch (error) {
    await localPort.settled();
    // A host that answered without a word of its folder has begun nothing.
    if (launch.folder === '' && !(error instanceof Interrupted)) delete launch.folder;
    const left = await undoStart(task, launch);
    if (left !== undefined) context.report.note(left);
    const isUndone = error instanceof Interrupted && left === undefined;
    throw isUndone ? new Interrupted('Interrupted; nothing is left behind.') : error;
  }
}

/** The server as its host knows it, which starts it or puts it on record as the way says. */
async function comeBy(task: Task, way: Way, launch: Launch): Promise<HostServer> {
  const { spec, before } = task;
  const isAdopted = before?.jupyter?.adopted;
  const obtain = (script: Script) => obtainServer(task, script, launch);
  if (way.kind === 'adopt') return obtain(adoptScript(spec, way.server, launch.id));
  if (way.kind === 'start' && !isAdopted) return obtain(launchScript(spec, 'start', launch.id, way));
  const { name, destination } = spec;
  const found = await findServer({ ...task, spec: before?.spec ?? spec });
  if (found) return found;
  throw new Failure(`"${name}" does not run on ${destination}`, {
    remedy: isAdopted
      ? `This program did not start it, and cannot: start it there as you did, and join it again: remote-notebook start ${destination} --adopt PORT`
      : `Start it: remote-notebook start ${name}`,
  });
}

async function releaseFormer(before: ServerRecord, connection: Connection, context: Context): Promise<void> {
  const former = connectionOf(before.spec, context.env);
  if (former.folder !== connection.folder) await releaseTunnel(former, context);
}

/** Reads what a start needs in the end while there is time. */
function preloadLastSteps(): void {
  void import('node:http');
  void import('./open.ts');
}

/** The short way: what the record names lives and answers. Nothing but the API is asked. */
async function joinKnown(
  record: ServerRecord,
  wanted: ServerSpec,
  context: Context,
): Promise<Started | undefined> {
  const api = await reachableApi(record, context);
  if (!api || !isJoined(record)) return undefined;
  context.report.phase('prove');
  const proof = await proveServer(api, record.jupyter.version, context.signal, LOOK_TIMEOUT_MS);
  if (proof.state !== 'ours') {
    context.report.phaseFailed();
    return undefined;
  }
  noteUnmet(wanted, { ...record.spec, localPort: record.forwards.own.localPort }, context);
  return started(withVersion(record, proof.version), true);
}

function started(record: JoinedRecord, joined: boolean): Started {
  return { record, joined, url: pageUrl(record.forwards.own.localPort, record.jupyter) };
}

/**
 * Undoes what this start began, in reverse order, but for its tunnel. A server that ran before, and its record, stay.
 * @returns what may be left on the host, where that could not be seen to
 */
async function undoStart(task: Task, launch: Launch): Promise<string | undefined> {
  const { spec, before, context } = task;
  const left = await undoOnHost(task, launch);
  const undoContext = uninterrupted(context);
  if (before) await putRecord(before, undoContext);
  else if (readRecords(undoContext)[spec.name])
    await updateRecords(undoContext, (records) => withoutRecord(records, spec.name));
  return left;
}

async function undoOnHost(task: Task, launch: Launch): Promise<string | undefined> {
  const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
  try {
    await undoLaunch({ ...task, context: { ...task.context, signal } }, launch);
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const why = signal.aborted ? `it takes longer than ${UNDO_TIMEOUT_MS / 1000} s` : error.message;
    return `what was begun on ${task.connection.destination} ends by itself, which could not be awaited: ${why}`;
  }
}

/** A record answers for its name: another server under the same one would make the first unreachable. */
export function verifySameServer(record: ServerRecord, wanted: ServerSpec): void {
  const known = record.spec;
  const differing = (['destination', 'directory'] as const).find((key) => known[key] !== wanted[key]);
  if (!differing) return;
  throw new UsageError(`"${wanted.name}" is ${place(known)}, and not ${place(wanted)}`, {
    remedy: `Stop that one first (remote-notebook stop ${wanted.name}), or give this one a --name of its own.`,
  });
}

function place({ directory, destination }: ServerSpec): string {
  return `${directory === '' ? 'the home folder' : shellQuote(directory)} on ${destination}`;
}

/** Says which settings a server that runs already was started without. */
function noteUnmet(wanted: ServerSpec, has: ServerSpec, context: Context): void {
  const unmet = unmetSettings(wanted, has);
  if (unmet.length > 0)
    context.report.note(`it runs already, with another ${unmet.join(', ')}: stop it first to have yours`);
}

/** Says what of the running server is not as it was asked for: it was started by another command line. */
function noteDifferences(wanted: ServerSpec, found: HostServer, context: Context): void {
  const { holder, record, joined, environment } = found;
  const { port, destination } = wanted;
  if (holder) context.report.note(`port ${port} of ${destination} is taken by ${holder}`);
  if (record.port !== port && record.port !== 0)
    context.report.note(`the server listens on port ${record.port} of ${destination}, not on ${port}`);
  // Its host tells no more of it.
  if (joined) noteUnmet(wanted, { ...wanted, environment, command: record.command }, context);
}
