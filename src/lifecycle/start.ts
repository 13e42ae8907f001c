import { isDeepStrictEqual } from 'node:util';
import type { FoundServer } from '../host/listing.ts';
import { type HostServer, serverRecord } from '../host/server-record.ts';
import { adoptServer, findServer, type LaunchProgress, launchServer, undoLaunch } from '../host/servers.ts';
import { proveServer } from '../jupyter/api.ts';
import { pageUrl } from '../jupyter/server.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import {
  isJoined,
  type JoinedRecord,
  NO_FORWARDS,
  type Records,
  readRecords,
  type ServerRecord,
  updateRecords,
  withoutRecord,
  withRecord,
  withServerLock,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { withClaim } from '../tunnel/connection.ts';
import { Route } from '../tunnel/local-port.ts';
import { connectionOf, isForwardUp, openTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { noteDifferences, noteUnmet, verifySameServer } from './differences.ts';
import { apiOf, prove } from './prove.ts';

export interface StartOptions {
  /** `join` starts no server: one that does not run is a failure. */
  readonly mode: 'start' | 'join';
  /** How long Jupyter may take to come up. */
  readonly timeoutMs: number;
  /** The token of a new server; a random one without. */
  readonly token?: string;
  /** The server to join, where something else has started it and it has no record yet. */
  readonly server?: FoundServer | undefined;
}

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
 * Starts the server, or joins it if it runs, and brings it to this machine. When this returns, it
 * has answered through the tunnel. Any failure undoes what was begun, on both sides.
 */
export function startServer(spec: ServerSpec, options: StartOptions, context: Context): Promise<Started> {
  const connection = connectionOf(spec, context.env);
  return withServerLock(spec.name, context, () => startAlone(spec, connection, options, context));
}

/** The same, for a caller that holds the server's lock. */
export async function startAlone(
  spec: ServerSpec,
  connection: Connection,
  options: StartOptions,
  context: Context,
): Promise<Started> {
  const before = readRecords(context)[spec.name];
  if (before) {
    verifySameServer(before, spec);
    // A restart, which hands over the token, has just ended the server on record.
    const isMeant =
      options.token === undefined &&
      (!options.server || isDeepStrictEqual(options.server.identity, before.jupyter?.identity));
    const joined = isMeant ? await joinKnown(before, spec, context) : undefined;
    if (joined) return joined;
  }
  try {
    const result = await withClaim(connection, context, () =>
      startClaimed(spec, before, connection, options, context),
    );
    // With another -F its tunnel was another one.
    if (before) await releaseFormer(before, connection, uninterrupted(context));
    return result;
  } catch (error) {
    await releaseTunnel(connection, uninterrupted(context));
    throw error;
  }
}

async function startClaimed(
  spec: ServerSpec,
  before: ServerRecord | undefined,
  connection: Connection,
  options: StartOptions,
  context: Context,
): Promise<Started> {
  // It has to be unique, and is no secret.
  const launch = Math.random().toString(36).slice(2);
  const route = new Route(connection, spec, before?.forwards ?? NO_FORWARDS, context);
  const onBoot = (isHere: boolean) => {
    route.prepare(isHere);
    preloadLastSteps();
  };
  const progress: LaunchProgress = { onBoot };
  try {
    context.report.phase('connect');
    await openTunnel(connection, context);
    context.report.phase('launch');
    const found =
      options.mode === 'start' && !before?.jupyter?.adopted
        ? await launchServer(connection, spec, { launch, ...options }, progress, context)
        : options.server
          ? await adoptServer(connection, spec, options.server, launch, progress, context)
          : await runningServer(connection, before, before?.spec ?? spec, context);
    noteDifferences(spec, found, context);
    context.report.phase('forward');
    const record = await route.lead(serverRecord(found));
    context.report.phase('prove');
    const proof = await prove(record, connection, context);
    const result = started(record, proof, found.joined);
    await route.save(result.record);
    return result;
  } catch (error) {
    await route.settled();
    // A host that answered without a word of its folder has begun nothing.
    if (progress.folder === '' && !(error instanceof Interrupted)) delete progress.folder;
    const left = await undoStart(connection, spec, before, progress, launch, context);
    if (left !== undefined) context.report.note(left);
    const isUndone = error instanceof Interrupted && left === undefined;
    throw isUndone ? new Interrupted('Interrupted; nothing is left behind.') : error;
  }
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

async function runningServer(
  connection: Connection,
  before: ServerRecord | undefined,
  spec: ServerSpec,
  context: Context,
): Promise<HostServer> {
  const found = await findServer(connection, spec, context);
  if (found) return found;
  throw new Failure(`"${spec.name}" does not run on ${spec.destination}`, {
    remedy: before?.jupyter?.adopted
      ? `This program did not start it, and cannot: start it there as you did, and join it again: remote-notebook start ${spec.destination} --adopt PORT`
      : `Start it: remote-notebook start ${spec.name}`,
  });
}

/** The short way: what the record names lives and answers. Nothing but the API is asked. */
async function joinKnown(
  record: ServerRecord,
  wanted: ServerSpec,
  context: Context,
): Promise<Started | undefined> {
  if (!isJoined(record)) return undefined;
  const { jupyter: server, spec } = record;
  const forward = record.forwards.own;
  const connection = connectionOf(spec, context.env);
  if (!(await isForwardUp(connection, forward))) return undefined;
  context.report.phase('prove');
  const api = apiOf(server, forward, connection);
  const proof = await proveServer(api, server.version, context.signal, LOOK_TIMEOUT_MS);
  if (proof.state !== 'ours') {
    context.report.phaseFailed();
    return undefined;
  }
  noteUnmet(wanted, { ...spec, localPort: forward.localPort }, context);
  return started(record, proof, true);
}

function started(
  record: JoinedRecord,
  proof: { readonly version: string | undefined },
  joined: boolean,
): Started {
  const server = { ...record.jupyter, version: proof.version ?? record.jupyter.version };
  return {
    record: { ...record, jupyter: server },
    joined,
    url: pageUrl(record.forwards.own.localPort, server),
  };
}

/**
 * Undoes what this start began, in reverse order, but for its tunnel. A server that ran before, and its record, stay.
 * Answers with what may be left on the host, where that could not be seen to.
 */
async function undoStart(
  connection: Connection,
  spec: ServerSpec,
  before: ServerRecord | undefined,
  progress: LaunchProgress,
  launch: string,
  context: Context,
): Promise<string | undefined> {
  const left = await undoOnHost(connection, progress, launch, context);
  const undoContext = uninterrupted(context);
  const restore = (records: Records): Records =>
    before ? withRecord(records, before) : withoutRecord(records, spec.name);
  if (readRecords(undoContext)[spec.name] || before) await updateRecords(undoContext, restore);
  return left;
}

async function undoOnHost(
  connection: Connection,
  progress: LaunchProgress,
  launch: string,
  context: Context,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
  try {
    await undoLaunch(connection, progress, launch, { ...context, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const why = signal.aborted ? `it takes longer than ${UNDO_TIMEOUT_MS / 1000} s` : error.message;
    return `what was begun on ${connection.destination} ends by itself, which could not be awaited: ${why}`;
  }
}
