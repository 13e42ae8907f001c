import { rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { KnownServer } from '../config/resolve.ts';
import { serverRecord } from '../host/server-record.ts';
import { endJupyter, findServer, type StopOutcome } from '../host/servers.ts';
import { type Api, requestShutdown } from '../jupyter/api.ts';
import type { Kernel } from '../jupyter/kernel.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Connection } from '../ssh/arguments.ts';
import {
  type JupyterRecord,
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
import { freePort } from '../system/port.ts';
import { connectionOf, isForwardUp, onTunnel, releaseTunnel } from '../tunnel/tunnel.ts';
import { busyKernels } from './busy-kernels.ts';
import { isPrivate } from './forward.ts';
import { redirectFile } from './open.ts';
import { reachableApi } from './prove.ts';

/** A server that has kernels to shut gets so long to answer, and then so long to end. */
const SHUTDOWN_TIMEOUT_MS = 10_000;

/** Asked before kernels that compute are ended; a server that cannot be asked for them is stopped all the same. */
export type MayEnd = (spec: ServerSpec, busy: readonly Kernel[]) => Promise<boolean>;

/**
 * Ends exactly this server, verifies that it is gone, and then ends its tunnel.
 * @param mayEnd undefined to end whatever its kernels do
 */
export async function stopServer(
  known: KnownServer,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  const { spec } = known;
  return withServerLock(spec.name, context, async () => {
    const record = readRecords(context)[spec.name];
    const connection = connectionOf(spec, context.env);
    context.report.phase('connect');
    return onTunnel(connection, context, async () => {
      let outcome: StopOutcome | 'refused' = 'refused';
      try {
        outcome = await endServer(record, spec, connection, mayEnd, context);
        if (outcome === 'refused') return outcome;
        context.report.phase('close');
        await changeRecord(spec, withoutRecord, context);
        return outcome;
      } finally {
        if (outcome === 'refused') await restoreRecord(record, spec, uninterrupted(context));
      }
    });
  });
}

/**
 * Ends the tunnel alone; the server runs on, and stays known here. Its ports are kept for the next tunnel,
 * but for those that other machines can reach: these are open only where they are named. Needs no connection.
 */
export async function disconnectServer(known: KnownServer, context: Context): Promise<void> {
  await closeTunnel(known.spec, withClosed, context);
}

/** Ends the tunnel, and forgets the server here; it is left as it is. Needs no connection. */
export async function forgetServer({ spec }: KnownServer, context: Context): Promise<void> {
  await closeTunnel(spec, withoutRecord, context);
}

async function closeTunnel(
  spec: ServerSpec,
  change: (records: Records, name: string) => Records,
  context: Context,
): Promise<void> {
  return withServerLock(spec.name, context, async () => {
    await changeRecord(spec, change, context);
    await releaseTunnel(connectionOf(spec, context.env), context);
  });
}

function withClosed(records: Records, name: string): Records {
  const record = records[name];
  return record
    ? withRecord(records, {
        ...record,
        forwards: { ...record.forwards, further: record.forwards.further.filter(isPrivate) },
        closed: true,
      })
    : records;
}

/** Takes back the page that holds the token, and makes the record what it is from now on. */
async function changeRecord(
  { name }: ServerSpec,
  change: (records: Records, name: string) => Records,
  context: Context,
): Promise<void> {
  rmSync(redirectFile(name, context.env), { force: true });
  await updateRecords(context, (records) => change(records, name));
}

/** Makes the record what it was before a server was asked that had no way to it: see `askable`. */
export async function restoreRecord(
  record: ServerRecord | undefined,
  { name }: ServerSpec,
  context: Context,
): Promise<void> {
  if (isDeepStrictEqual(readRecords(context)[name], record)) return;
  await updateRecords(context, (records) =>
    record ? withRecord(records, record) : withoutRecord(records, name),
  );
}

/**
 * Asks through the API first; whatever it answers, the host sees to it that the process is gone. A session there is
 * opened while the API is asked: to a far host each costs round trips. The caller restores or removes the record, which
 * may be another one then.
 */
export async function endServer(
  record: ServerRecord | undefined,
  spec: ServerSpec,
  connection: Connection,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  const server = record?.jupyter ?? (await foundServer(spec, connection, context));
  if (!server) return 'gone';
  const known = { spec, forwards: record?.forwards ?? NO_FORWARDS, jupyter: server };
  const graceMs = askToEnd(known, connection, mayEnd, context);
  const outcome = await endJupyter(connection, spec, server, graceMs, context);
  const agreed = (await graceMs) !== 0;
  return agreed && outcome === 'gone' ? 'shutdown' : outcome;
}

async function foundServer(
  spec: ServerSpec,
  connection: Connection,
  context: Context,
): Promise<JupyterRecord | undefined> {
  context.report.phase('find');
  const found = await findServer(connection, spec, context);
  return found && serverRecord(found);
}

/** A server that no port of this machine leads to gets one that nobody wants, for the time of a question. */
async function askable(
  record: ServerRecord & { jupyter: JupyterRecord },
  connection: Connection,
  context: Context,
): Promise<ServerRecord> {
  const forward = record.forwards.own;
  if (forward && (await isForwardUp(connection, forward))) return record;
  const { Route } = await import('../tunnel/local-port.ts');
  const spec = { ...record.spec, localPort: await freePort(), strictPort: false };
  return new Route(connection, spec, NO_FORWARDS, context).lead(record.jupyter);
}

/** Asks the server to end itself, unless its kernels compute and the user will not have it. Answers with its grace. */
async function askToEnd(
  record: ServerRecord & { jupyter: JupyterRecord },
  connection: Connection,
  mayEnd: MayEnd | undefined,
  context: Context,
): Promise<number | 'refused'> {
  const asked = mayEnd ? await askable(record, connection, context) : record;
  const api = await reachableApi(asked, context);
  const busy = mayEnd ? await busyKernels(api, context) : [];
  if (busy?.length && !(await mayEnd?.(record.spec, busy))) return 'refused';
  context.report.phase('stop');
  // One that did not tell its kernels would not hear this either: the host's signals do.
  const agreed = busy !== undefined && (await hasAgreed(api, asked, context));
  return agreed ? SHUTDOWN_TIMEOUT_MS : 0;
}

/** The user may have thought about it, and the tunnel be lost meanwhile. */
async function hasAgreed(api: Api | undefined, record: ServerRecord, context: Context): Promise<boolean> {
  if (!api || !(await reachableApi(record, context))) return false;
  return requestShutdown(api, context.signal, SHUTDOWN_TIMEOUT_MS);
}
