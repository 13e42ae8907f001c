import { hostname } from 'node:os';
import { redactTokens } from '../jupyter/server.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { scriptVariables } from '../model/settings.ts';
import type { StopOutcome } from '../model/status.ts';
import type { JupyterRecord } from '../state/records.ts';
import { HostFailure, reportIn } from './failures.ts';
import type { FoundServer } from './listing.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { askHost, type OnHost, runScript } from './run-script.ts';
import type { Script } from './script.ts';
import { type HostServer, identityVariables, serverIn } from './server-record.ts';

/** One attempt to start or adopt a server, and its progress. */
export interface Launch {
  /** Marks on the host what belongs to this attempt. */
  readonly id: string;
  /** Called when Jupyter begins to boot, which takes a while. `isHere`: the host is this machine. */
  readonly onBoot: (isHere: boolean) => void;
  /** The record's folder on the host; empty while the host has been asked and has not reported it. */
  folder?: string;
}

/**
 * Runs `launchScript`, which finds or starts a server, or `adoptScript`, and returns the server. The session may stay
 * open: processes that an environment left running can hold it.
 * @throws HostFailure with the output of the host or of Jupyter
 */
export async function obtainServer(
  { connection, spec, context }: OnHost,
  script: Script,
  launch: Launch,
): Promise<HostServer> {
  launch.folder = '';
  const frames: Frame[] = [];
  await new Promise<unknown>((resolve, reject) => {
    const onFrame = (frame: Frame) => {
      frames.push(frame);
      if (frame.key === 'folder') launch.folder = frame.value;
      if (frame.key === 'phase') context.report.phase(frame.value);
      if (frame.key === 'boot') launch.onBoot(frame.value === 'here');
      if (frame.key === 'note') context.report.note(frame.value);
      if (frame.key === 'joined') resolve(frame);
    };
    runScript(connection, script, context, onFrame).then(resolve, reject);
  });
  const server = serverIn(frames);
  if (server) return server;
  throw new HostFailure(reportIn(frames), spec);
}

/** Finds the server on its host; undefined if it is not running. Starts nothing. */
export async function findServer(server: OnHost): Promise<HostServer | undefined> {
  return serverIn(await askHost(server, launchScript(server.spec, 'find', '', { timeoutMs: 0 })));
}

/**
 * The script that finds a server, or starts it if `mode` says so.
 * @param launch an ID for this attempt
 */
export function launchScript(
  spec: ServerSpec,
  mode: 'start' | 'find',
  launch: string,
  { timeoutMs, token = '' }: { timeoutMs: number; token?: string },
): Script {
  const order = { mode, launch, token, timeout: String(Math.ceil(timeoutMs / 1000)), from: hostname() };
  return { name: 'launch', variables: { name: spec.name, ...scriptVariables(spec), ...order } };
}

/**
 * The script that writes a record for a server that something else started, under the name of the spec. `undoLaunch`
 * removes the record, and the server keeps running.
 * @param launch an ID for this attempt
 */
export function adoptScript(
  spec: ServerSpec,
  { identity, file = '', command = '', upSeconds = 0 }: FoundServer,
  launch: string,
): Script {
  const server = { ...identityVariables(identity), file, command, up: String(upSeconds) };
  const { name, directory } = spec;
  return { name: 'adopt', variables: { launch, from: '', name, directory, ...server } };
}

/** Undoes what this launch did on the host. A server that was already running is not touched. */
export async function undoLaunch({ connection, context }: OnHost, { folder, id }: Launch): Promise<void> {
  if (folder === undefined) return;
  const variables = { folder, pid: '', start_time: '', token: '', launch: id, grace: '0' };
  await runScript(connection, { name: 'stop', variables }, context);
}

/**
 * Stops this server and verifies that it is gone. The session is opened while `order` is pending.
 * @param order milliseconds to wait before signals are sent to a server that agreed to shut down; `refused` leaves it
 *   running
 * @throws HostFailure when it survives KILL, or is on another node
 */
export async function endJupyter(
  server: OnHost,
  { identity, folder, token }: JupyterRecord,
  order: Promise<number | 'refused'>,
): Promise<StopOutcome | 'refused'> {
  const script = order.then((graceMs): Script | undefined => {
    if (graceMs === 'refused') return undefined;
    const grace = String(Math.ceil(graceMs / 1000));
    return { name: 'stop', variables: { folder, ...identityVariables(identity), token, launch: '', grace } };
  });
  const frames = askHost(server, script);
  // A failure of the session is reported only after the order is known.
  frames.catch(() => {});
  if ((await order) === 'refused') return 'refused';
  return (lastValue(await frames, 'stopped') as StopOutcome | undefined) ?? 'gone';
}

/**
 * Whether the server's process is alive; if not, with the end of its log.
 * @throws HostFailure when it is on another node
 */
export async function lookAtServer(
  server: OnHost,
  { identity, folder }: JupyterRecord,
): Promise<{ readonly lives: boolean; readonly log: readonly string[] }> {
  const variables = { folder, ...identityVariables(identity) };
  const frames = await askHost(server, { name: 'look', variables });
  return { lives: lastValue(frames, 'process') === 'alive', log: valuesOf(frames, 'log') };
}

/**
 * Prints the last lines of a server's log, without tokens; with `follow`, continues until the server ends.
 * @throws HostFailure when there is no log
 */
export async function readLog(
  server: OnHost,
  folder: string,
  options: { lines: number; follow: boolean },
  print: (line: string) => void,
): Promise<void> {
  const variables = { folder, lines: String(options.lines), follow: options.follow ? 'yes' : '' };
  let begun = false;
  const onText = (line: string) => {
    if (begun) print(redactTokens(line));
  };
  const onFrame = (frame: Frame) => {
    if (frame.key === 'begin') begun = true;
    if (frame.key === 'ended') server.context.report.note('the server has ended');
  };
  await askHost(server, { name: 'logs', variables }, onFrame, onText);
}

/** Returns the frames of doctor.sh, which changes nothing, and the lines that start-up files printed before them. */
export async function examineHost({
  connection,
  spec,
  context,
}: OnHost): Promise<{ frames: readonly Frame[]; printed: readonly string[] }> {
  const printed: string[] = [];
  const frames: Frame[] = [];
  const script = { name: 'doctor', variables: { name: spec.name, ...scriptVariables(spec) } } as const;
  const onText = (line: string) => {
    if (frames.length === 0 && line.trim() !== '') printed.push(line);
  };
  await runScript(connection, script, context, (frame) => frames.push(frame), onText);
  return { frames, printed };
}
