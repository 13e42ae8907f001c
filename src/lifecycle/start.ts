import { isDeepStrictEqual } from 'node:util';
import { verifySameServer, verifySameSettings } from '../config/same-server.ts';
import type { InstallOrder } from '../host/install/install.ts';
import type { FoundServer } from '../host/listing.ts';
import type { Script } from '../host/script.ts';
import { type HostServer, isOnAnotherMachine } from '../host/server-record.ts';
import { adoptScript, findServer, type Launch, launchScript, obtainServer } from '../host/servers.ts';
import { proveServer } from '../jupyter/api.ts';
import { askAboutCells, type Cells } from '../jupyter/closed-page.ts';
import { kernelProblem } from '../jupyter/default-kernel.ts';
import { pageUrl } from '../jupyter/server.ts';
import { parseEnvironment } from '../model/environment.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { DefaultKernel } from '../model/status.ts';
import {
  isJoined,
  type JoinedRecord,
  type JupyterRecord,
  NO_FORWARDS,
  putRecord,
  readRecords,
  type ServerRecord,
} from '../state/records.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { connectionOf, withClaim } from '../tunnel/connection.ts';
import { forwardTo, type PortSearch, prepareForward, verifyRequestedPort } from '../tunnel/local-port.ts';
import { verifyMaster } from '../tunnel/master.ts';
import { openTunnel, releaseTunnel, withdrawForward } from '../tunnel/tunnel.ts';
import { noteForward } from './forward-note.ts';
import { prove, REQUEST_TIMEOUT_MS, reachableApi, verifyListening, withVersion } from './prove.ts';
import { installJupyter } from './starting/install.ts';
import { AwaitedJob, type KeepJob, noteExposure, verifyRelay } from './starting/job.ts';
import { obtainPatiently } from './starting/patience.ts';
import { undoStart } from './starting/undo.ts';
import { type Task, withServer } from './task.ts';

/** How to obtain a server: start it unless it is running, require it to run, or record one that another program started. */
export type Way =
  | {
      readonly kind: 'start';
      /** How long Jupyter may take to start. */
      readonly timeoutMs: number;
      /** The server that has just ended, and that the new one replaces. */
      readonly former?: JupyterRecord | undefined;
      /** Whether the job of that one starts it again. */
      readonly inSameJob?: boolean | undefined;
      readonly keepJob?: KeepJob | undefined;
      /** What to install before, unless it is there; undefined: nothing. */
      readonly install?: InstallOrder | undefined;
    }
  | { readonly kind: 'join' }
  | { readonly kind: 'adopt'; readonly server: FoundServer };

export interface Started {
  readonly record: JoinedRecord;
  /** Whether the server was running before. */
  readonly joined: boolean;
  /** The page, without the token. */
  readonly url: string;
  /** The kernel of its notebooks; undefined if it is unknown. */
  readonly kernel: DefaultKernel | undefined;
  /** Whether it keeps what a cell prints while no page is open; undefined if it is unknown. */
  readonly keepsOutput: boolean | undefined;
}

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
    verifySameServer(before, spec, context);
    const joined = mayJoin(before, way) ? await joinKnown(before, spec, context) : undefined;
    if (joined) return joined;
    // An ssh that hangs would cancel the forward later.
    await verifyMaster(connectionOf(before.spec, context.env), context);
    await withdrawForward(before, context);
  }
  const current = { ...task, before: readRecords(context)[spec.name] };
  try {
    return await withClaim(connection, context, () => startClaimed(current, way));
  } catch (error) {
    await releaseTunnel(connection, uninterrupted(context));
    throw error;
  }
}

/** Whether the server on record may be the requested one. */
function mayJoin({ jupyter }: ServerRecord, way: Way): boolean {
  if (way.kind === 'adopt') return isDeepStrictEqual(way.server.identity, jupyter?.identity);
  return way.kind === 'join' || way.former === undefined;
}

async function startClaimed(task: Task, way: Way): Promise<Started> {
  const { before, connection, context } = task;
  const search: PortSearch = { ...task, forwards: before?.forwards ?? NO_FORWARDS };
  const job = new AwaitedJob(task);
  const launch: Launch = {
    id: Math.random().toString(36).slice(2),
    onJob: job.onJob,
    onBoot: (socket, relay) => {
      search.prepared = prepareForward({ ...search, job: launch.job }, socket, relay).catch(() => undefined);
      // There is time to load what the proof needs.
      void import('node:http');
    },
  };
  await verifyRequestedPort(search);
  try {
    context.report.phase('connect');
    await openTunnel(connection, context);
    if (way.kind === 'start' && way.install) await installJupyter(task, way.install);
    context.report.phase('launch');
    const found = await obtainPatiently(task, job, () =>
      obtain({ ...task, context: job.context }, way, launch),
    );
    await job.recorded();
    verifyRelay(task.spec, found);
    noteExposure(task, found);
    compare(task, found);
    await verifyListening(task, found.record);
    context.report.phase('forward');
    const { record: forwarded, taken } = await forwardTo(found.record, found.relay, search);
    noteForward(found, taken, forwarded, context);
    context.report.phase('prove');
    // A request beside the first one saves a round trip to a far host, but the server may not be listening yet.
    const early = aboutCells(forwarded, context);
    const record = await prove(forwarded, context);
    await putRecord(record, context);
    noteOtherMachine(task, record);
    const cells = (await early) ?? (await aboutCells(record, context));
    return started(record, found.joined, found.environment, cells, context);
  } catch (error) {
    await search.prepared;
    await job.recorded();
    const left = await job.failureOf(error, launch, way.kind === 'start' ? way.keepJob : undefined);
    if (left) throw left;
    // A host that responded without naming a folder has started nothing.
    if (launch.folder === '' && !(error instanceof Interrupted)) delete launch.folder;
    const isUndone = await undoStart(task, launch);
    const isInstalled = way.kind === 'start' && way.install?.isDone;
    throw error instanceof Interrupted && isUndone
      ? new Interrupted(`Interrupted; nothing is left behind${isInstalled ? ' but what was installed' : ''}.`)
      : error;
  }
}

/** Notes that the server on record here, which the new one replaces, was started on another machine. */
function noteOtherMachine({ spec, before, context }: Task, { jupyter }: JoinedRecord): void {
  if (!before?.jupyter || !isOnAnotherMachine(jupyter, before.jupyter)) return;
  context.report.note(
    `${spec.destination} now leads to another machine than the one on which "${spec.name}" was started before; that server cannot be reached any more, and its record was removed`,
  );
}

/** Starts the server on its host, records it there or finds it, as `way` demands. */
async function obtain(task: Task, way: Way, launch: Launch): Promise<HostServer> {
  const { spec, before } = task;
  const isAdopted = before?.jupyter?.adopted;
  const run = (script: Promise<Script>) => obtainServer(task, script, launch);
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
  const { jupyter: server } = record;
  const [proof, cells] = await Promise.all([
    proveServer(api, server.version, context.signal, REQUEST_TIMEOUT_MS),
    askAboutCells(api, server, context.signal),
  ]);
  if (proof.state !== 'ours') {
    context.report.phaseFailed();
    return undefined;
  }
  verifySameSettings(wanted, { ...record.spec, localPort: record.forwards.own.localPort }, context);
  return started(withVersion(record, proof.version), true, record.spec.environment, cells, context);
}

/** Asks the server through its tunnel for what is known of its cells. */
async function aboutCells(record: JoinedRecord, context: Context): Promise<Cells | undefined> {
  const api = await reachableApi(record, context);
  return api && askAboutCells(api, record.jupyter, context.signal);
}

/** @param environment that of the server, as its host reports it */
function started(
  record: JoinedRecord,
  joined: boolean,
  environment: string,
  cells: Cells | undefined,
  context: Context,
): Started {
  const { jupyter: server, forwards } = record;
  const { kernel, keepsOutput } = cells ?? {};
  const problem = kernel && kernelProblem(kernel, environment, server);
  const { kind } = parseEnvironment(environment);
  const orInstall = kind === 'none' || kind === 'venv' ? ', or stop it and add --install to its start' : '';
  if (problem)
    context.report.note(`${problem.found}. To change that, run on the host: ${problem.fix}${orInstall}`);
  return { record, joined, url: pageUrl(forwards.own.localPort, server), kernel, keepsOutput };
}

/** @throws UsageError when the server is running with other settings */
function compare({ spec: wanted, before, context }: Task, { record, joined, environment }: HostServer): void {
  if (!joined) return;
  // The host reports only these settings, and of a port not whether it is the requested one or the next free one.
  const isKnown = isDeepStrictEqual(before?.jupyter?.identity, record.identity);
  const { localPort, sshConfig } = wanted;
  const known = before && isKnown ? { ...before.spec, localPort, sshConfig } : wanted;
  const port = record.socket === undefined ? known.port : undefined;
  verifySameSettings(wanted, { ...known, port, environment, command: record.command }, context);
}
