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
import { connectionOf, withClaim } from '../tunnel/connection.ts';
import { forwardTo, type PortSearch, prepareForward } from '../tunnel/local-port.ts';
import { openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { prove, reachableApi, withVersion } from './prove.ts';
import { type Task, withServer } from './task.ts';

/** How to obtain a server: start it unless it is running, require it to run, or record one that another program started. */
export type Way =
  | {
      readonly kind: 'start';
      /** How long Jupyter may take to start. */
      readonly timeoutMs: number;
      /** The token for the successor of a server that has just ended. Default: a random one. */
      readonly token?: string;
    }
  | { readonly kind: 'join' }
  | { readonly kind: 'adopt'; readonly server: FoundServer };

export interface Started {
  readonly record: JoinedRecord;
  /** Whether the server was running before. */
  readonly joined: boolean;
  /** The page, without the token. */
  readonly url: string;
}

/** Timeout for one request to a server that should be running. */
const REQUEST_TIMEOUT_MS = 5000;
/** Timeout for the cleanup on the host after a failure. */
const UNDO_TIMEOUT_MS = 30_000;

/**
 * Obtains the server and forwards a local port to it. When this returns, the server has responded through the tunnel. A
 * failure is undone on both sides.
 */
export function startServer(spec: ServerSpec, way: Way, context: Context): Promise<Started> {
  return withServer(spec, context, (task) => startHeld(task, way));
}

/** As `startServer`, for a caller that holds the server's lock. */
export async function startHeld(task: Task, way: Way): Promise<Started> {
  const { spec, before, connection, context } = task;
  if (before) {
    verifySameServer(before, spec);
    const joined = mayJoin(before, way) ? await joinKnown(before, spec, context) : undefined;
    if (joined) return joined;
  }
  try {
    const result = await withClaim(connection, context, () => startClaimed(task, way));
    // With another -F, the server had another connection before.
    const former = before && connectionOf(before.spec, context.env);
    if (former && former.folder !== connection.folder) await releaseTunnel(former, uninterrupted(context));
    return result;
  } catch (error) {
    await releaseTunnel(connection, uninterrupted(context));
    throw error;
  }
}

/** Whether the server on record may be the requested one. A restart, which passes a token, has just ended it. */
function mayJoin({ jupyter }: ServerRecord, way: Way): boolean {
  if (way.kind === 'adopt') return isDeepStrictEqual(way.server.identity, jupyter?.identity);
  return way.kind === 'join' || way.token === undefined;
}

async function startClaimed(task: Task, way: Way): Promise<Started> {
  const { spec, before, connection, context } = task;
  const search: PortSearch = { ...task, forwards: before?.forwards ?? NO_FORWARDS, hostIsHere: false };
  const launch: Launch = {
    id: Math.random().toString(36).slice(2),
    onBoot: (isHere) => {
      search.hostIsHere = isHere;
      search.prepared = prepareForward(search).catch(() => undefined);
      // There is time to load what the proof needs.
      void import('node:http');
    },
  };
  try {
    context.report.phase('connect');
    await openTunnel(connection, context);
    context.report.phase('launch');
    const found = await obtain(task, way, launch);
    noteDifferences(spec, found, context);
    context.report.phase('forward');
    const forwarded = await forwardTo(found.record, search);
    context.report.phase('prove');
    const record = await prove(forwarded, context);
    await putRecord(record, context);
    return started(record, found.joined);
  } catch (error) {
    await search.prepared;
    // A host that responded without naming a folder has started nothing.
    if (launch.folder === '' && !(error instanceof Interrupted)) delete launch.folder;
    const isUndone = await undoStart(task, launch);
    throw error instanceof Interrupted && isUndone
      ? new Interrupted('Interrupted; nothing is left behind.')
      : error;
  }
}

/** Starts the server on its host, records it there or finds it, as `way` demands. */
async function obtain(task: Task, way: Way, launch: Launch): Promise<HostServer> {
  const { spec, before } = task;
  const isAdopted = before?.jupyter?.adopted;
  const run = (script: Script) => obtainServer(task, script, launch);
  if (way.kind === 'adopt') return run(adoptScript(spec, way.server, launch.id));
  if (way.kind === 'start' && !isAdopted) return run(launchScript(spec, 'start', launch.id, way));
  const { name, destination } = spec;
  const found = await findServer({ ...task, spec: before?.spec ?? spec });
  if (found) return found;
  throw new Failure(`"${name}" is not running on ${destination}`, {
    remedy: isAdopted
      ? `Another program started it: start it there again, and connect with: remote-notebook start ${destination} --adopt PORT`
      : `Start it: remote-notebook start ${name}`,
  });
}

/** Connects to the server on record by a request to its API, without a session on the host. */
async function joinKnown(
  record: ServerRecord,
  wanted: ServerSpec,
  context: Context,
): Promise<Started | undefined> {
  const api = await reachableApi(record, context);
  if (!api || !isJoined(record)) return undefined;
  context.report.phase('prove');
  const proof = await proveServer(api, record.jupyter.version, context.signal, REQUEST_TIMEOUT_MS);
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
 * Undoes this start, except for its tunnel. A server that was running before is kept, with its record.
 * @returns whether the host has confirmed the cleanup; if not, this is noted
 */
async function undoStart(task: Task, launch: Launch): Promise<boolean> {
  const { spec, before, connection, context } = task;
  const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
  const undoContext = uninterrupted(context);
  let isUndone = true;
  try {
    await undoLaunch({ ...task, context: { ...context, signal } }, launch);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    isUndone = false;
    const why = signal.aborted ? `it took longer than ${UNDO_TIMEOUT_MS / 1000} s` : error.message;
    context.report.note(
      `could not confirm the cleanup on ${connection.destination}; it should finish on its own (${why})`,
    );
  }
  if (before) await putRecord(before, undoContext);
  else if (readRecords(undoContext)[spec.name])
    await updateRecords(undoContext, (records) => withoutRecord(records, spec.name));
  return isUndone;
}

/** @throws UsageError when the name is on record for another server, which could not be reached any more */
export function verifySameServer(record: ServerRecord, wanted: ServerSpec): void {
  const known = record.spec;
  if (known.destination === wanted.destination && known.directory === wanted.directory) return;
  throw new UsageError(`"${wanted.name}" is the server in ${place(known)}, not in ${place(wanted)}`, {
    remedy: `Stop that server first (remote-notebook stop ${wanted.name}), or give this one another name with --name.`,
  });
}

function place({ directory, destination }: ServerSpec): string {
  return `${directory === '' ? 'the home folder' : shellQuote(directory)} on ${destination}`;
}

/** Notes the settings that do not apply because the server is already running. */
function noteUnmet(wanted: ServerSpec, has: ServerSpec, context: Context): void {
  const unmet = unmetSettings(wanted, has);
  if (unmet.length > 0)
    context.report.note(`already running with a different ${unmet.join(', ')}; stop it first to apply yours`);
}

/** Notes what differs between the server and the request. */
function noteDifferences(wanted: ServerSpec, found: HostServer, context: Context): void {
  const { holder, record, joined, environment } = found;
  const { port, destination } = wanted;
  if (holder) context.report.note(`port ${port} of ${destination} is already in use by ${holder}`);
  if (record.port !== port && record.port !== 0)
    context.report.note(`the server listens on port ${record.port} of ${destination}, not on ${port}`);
  // The host reports no other settings.
  if (joined) noteUnmet(wanted, { ...wanted, environment, command: record.command }, context);
}
