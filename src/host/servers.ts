import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Job, JobStatus } from '../model/job.ts';
import type { RelayPlace } from '../model/relay-place.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { DEFAULT_PORT, scriptVariables } from '../model/settings.ts';
import type { StopOutcome } from '../model/status.ts';
import type { JupyterRecord } from '../state/records.ts';
import { assetPath } from '../system/installation.ts';
import { HostFailure, reportIn } from './failures.ts';
import { endJob, jobOf, jobVariables, lookAtJob } from './jobs/jobs.ts';
import type { FoundServer } from './listing.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { askHost, type OnHost, runScript } from './run-script.ts';
import type { Script } from './script.ts';
import {
  type HostServer,
  identityVariables,
  jobIn,
  jobStatusIn,
  recordVariables,
  relayIn,
  serverIn,
} from './server-record.ts';

/** What is known of an attempt to start or adopt a server, by which it can be undone. */
export interface LaunchTrace {
  /** Marks on the host what belongs to this attempt. */
  readonly id: string;
  job?: Job;
  /** Whether the job is this attempt's own, which has submitted it: then that is undone. */
  isOwnJob?: boolean;
  /** The record's folder on the host; empty while the host has been asked and has not reported it. */
  folder?: string;
}

/** One attempt to start or adopt a server, and its progress. */
export interface Launch extends LaunchTrace {
  /** Called when Jupyter begins to boot, which takes a while. `socket`: where it will listen, unless it is a port. */
  readonly onBoot: (socket: string | undefined, relay: RelayPlace | undefined) => void;
  /** Called when a scheduler has reported a job, and again each time when that has changed. */
  readonly onJob: (job: Job, status: JobStatus | undefined) => void;
}

/**
 * Runs `launchScript`, which finds or starts a server, or `adoptScript`, and returns the server. The session may stay
 * open: processes that an environment left running can hold it.
 * @throws HostFailure with the output of the host or of Jupyter
 */
export async function obtainServer(
  { connection, spec, context }: OnHost,
  script: Promise<Script>,
  launch: Launch,
): Promise<HostServer> {
  launch.folder = '';
  const frames: Frame[] = [];
  await new Promise<unknown>((resolve, reject) => {
    const onFrame = (frame: Frame) => {
      frames.push(frame);
      if (frame.key === 'folder') launch.folder = frame.value;
      if (frame.key === 'phase') context.report.phase(frame.value);
      if (frame.key === 'submitted') launch.isOwnJob = true;
      const job = frame.key === 'job' || frame.key === 'queue' ? jobIn(frames) : undefined;
      if (job) {
        launch.job = job;
        launch.onJob(job, jobStatusIn(frames));
      }
      if (frame.key === 'boot') launch.onBoot(frame.value || undefined, relayIn(frames));
      if (frame.key === 'unanswered')
        context.report.note(`the scheduler does not answer; trying again (${frame.value})`);
      if (frame.key === 'note') context.report.note(frame.value);
      if (frame.key === 'joined') resolve(frame);
    };
    runScript(connection, script, context, onFrame).then(resolve, reject);
  });
  const server = serverIn(frames);
  // After a lost connection, another script waits for the job of the first one.
  if (server) return { ...server, joined: server.joined && !launch.isOwnJob };
  throw new HostFailure(reportIn(frames), spec);
}

/** Finds the server on its host; undefined if it is not running. Starts nothing. */
export async function findServer(server: OnHost): Promise<HostServer | undefined> {
  return (await findOnHost(server)).server;
}

/** Finds the server on its host, or the job that will start it. Starts nothing. */
export async function findOnHost(
  server: OnHost,
): Promise<{ server?: HostServer | undefined; job?: Job | undefined }> {
  const frames = await askHost(server, await launchScript(server.spec, 'find', '', { timeoutMs: 0 }));
  return { server: serverIn(frames), job: jobIn(frames) };
}

/** How to start a server. */
interface LaunchOrder {
  readonly timeoutMs: number;
  /** The server that it replaces. */
  readonly former?: JupyterRecord | undefined;
  /** Whether not to wait for the start of a job. */
  readonly isBrief?: boolean | undefined;
  /** Whether the server is started again in the job in which it is running. */
  readonly inSameJob?: boolean | undefined;
}

/**
 * The script that finds a server, or starts it if `mode` says so.
 * @param launch an ID for this attempt
 */
export async function launchScript(
  spec: ServerSpec,
  mode: 'start' | 'find',
  launch: string,
  { timeoutMs, former, isBrief = false, inSameJob = false }: LaunchOrder,
): Promise<Script> {
  const timeout = String(Math.ceil(timeoutMs / 1000));
  const origin = former?.origin || launch;
  const order = { launch, origin, fallback_port: String(DEFAULT_PORT), timeout, from: hostname() };
  const relay = { relay_program: await relayProgram() };
  const exposed = { expose: spec.exposeOnClusterNetwork ? 'yes' : '' };
  const server = { name: spec.name, ...scriptVariables(spec), ...exposed, ...order, ...relay };
  return {
    name: 'launch',
    variables: {
      ...server,
      ...{ mode, again: inSameJob ? 'yes' : '', no_wait: isBrief ? 'yes' : '' },
      ...jobVariables(spec, { name: 'job', variables: server }),
    },
  };
}

/** The relay (see parts/relay.sh), as a program that unpacks itself: a slow link would take 0.2 s longer for its text. */
async function relayProgram(): Promise<string> {
  const { deflateSync } = await import('node:zlib');
  const packed = deflateSync(readFileSync(assetPath('host/relay.py'))).toString('base64');
  return `import base64, zlib\nexec(zlib.decompress(base64.b64decode("${packed}")))`;
}

/**
 * The script that writes a record for a server that something else started, under the name of the spec. `undoLaunch`
 * removes the record, and the server keeps running.
 * @param launch an ID for this attempt
 */
export async function adoptScript(
  spec: ServerSpec,
  { identity, file = '', command = '' }: FoundServer,
  launch: string,
): Promise<Script> {
  const server = { ...identityVariables(identity), file, command };
  const { name, directory } = spec;
  const variables = { launch, from: '', name, directory, ...server, relay_program: await relayProgram() };
  return { name: 'adopt', variables };
}

/** Undoes what this launch did on the host. A server that was already running, or a job that was there, is not touched. */
export async function undoLaunch(server: OnHost, { folder, id, job, isOwnJob }: LaunchTrace): Promise<void> {
  const { connection, context } = server;
  if (folder === undefined) return;
  if (job) {
    if (isOwnJob) await endJob(server, job, Promise.resolve(0));
    return;
  }
  const variables = { folder, pid: '', start_time: '', origin: '', machine: '', launch: id, grace: '0' };
  await runScript(connection, { name: 'stop', variables }, context);
}

/**
 * Stops this server and verifies that it is gone. The session is opened while `order` is pending.
 * @param order milliseconds to wait before signals are sent to a server that agreed to shut down; `refused` leaves it
 *   running
 * @throws HostFailure when it survives KILL, or is on another node or machine
 */
export async function endJupyter(
  server: OnHost,
  record: JupyterRecord,
  order: Promise<number | 'refused'>,
): Promise<StopOutcome | 'refused'> {
  const job = jobOf(record);
  if (job) return endJob(server, job, order);
  const script = order.then((graceMs): Script | undefined => {
    if (graceMs === 'refused') return undefined;
    const grace = String(Math.ceil(graceMs / 1000));
    return { name: 'stop', variables: { ...recordVariables(record), launch: '', grace } };
  });
  const frames = askHost(server, script);
  // A failure of the session is reported only after the order is known.
  frames.catch(() => {});
  if ((await order) === 'refused') return 'refused';
  return (lastValue(await frames, 'stopped') as StopOutcome | undefined) ?? 'gone';
}

/** What a host reports about the process of a server. */
export interface Looked {
  readonly lives: boolean;
  /** Whether it listens on its port. Always yes for a socket, which is in a folder that only its user can enter. */
  readonly holds: 'yes' | 'no' | 'unknown';
  /** The end of its log, if it has ended. */
  readonly log: readonly string[];
  /** Why its job has ended, if it has. */
  readonly why?: string | undefined;
}

/**
 * Whether the server's process is alive and listens where its record says.
 * @throws HostFailure when it is on another node or machine
 */
export async function lookAtServer(server: OnHost, record: JupyterRecord): Promise<Looked> {
  const job = jobOf(record);
  if (job) return { ...(await lookAtJob(server, job)), holds: 'yes' };
  const isOnSocket = record.socket !== undefined;
  const variables = { ...recordVariables(record), port: isOnSocket ? '' : String(record.port) };
  const frames = await askHost(server, { name: 'look', variables });
  const lives = lastValue(frames, 'process') === 'alive';
  const holds = isOnSocket ? 'yes' : ((lastValue(frames, 'holds') ?? 'no') as Looked['holds']);
  return { lives, holds, log: valuesOf(frames, 'log') };
}

/**
 * Whether whoever connects to the server reaches its own process: only then may the token be sent. Another user of the
 * host can take the port of a server that has ended, but cannot create a socket in a private folder.
 */
export async function listensItself(server: OnHost, jupyter: JupyterRecord): Promise<boolean> {
  // The relay of a job, on its node, verifies that itself. One on a network address has none, and ends with its job.
  if (jupyter.socket !== undefined || (jobOf(jupyter) && jupyter.host === undefined)) return true;
  const { lives, holds } = await lookAtServer(server, jupyter);
  return lives && holds === 'yes';
}

/** Returns the frames of doctor.sh, which changes nothing, and the lines that start-up files printed before them. */
export async function examineHost({
  connection,
  spec,
  context,
}: OnHost): Promise<{ frames: readonly Frame[]; printed: readonly string[] }> {
  const printed: string[] = [];
  const frames: Frame[] = [];
  const variables = {
    name: spec.name,
    ...scriptVariables(spec),
    fallback_port: String(DEFAULT_PORT),
    is_job: spec.launcher === 'direct' ? '' : 'yes',
  };
  const script = { name: 'doctor', variables } as const;
  const onText = (line: string) => {
    if (frames.length === 0 && line.trim() !== '') printed.push(line);
  };
  await runScript(connection, script, context, (frame) => frames.push(frame), onText);
  return { frames, printed };
}
