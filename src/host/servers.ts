import { hostname } from 'node:os';
import { redactTokens } from '../jupyter/server.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { scriptVariables } from '../model/settings.ts';
import type { StopOutcome } from '../model/status.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { JupyterRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { HostFailure, reportIn } from './failures.ts';
import type { FoundServer } from './listing.ts';
import { type Frame, lastValue, valuesOf } from './protocol.ts';
import { askHost, runScript } from './run-script.ts';
import type { Script } from './script.ts';
import { type HostServer, identityVariables, serverIn } from './server-record.ts';

/** What a launch is told besides the server. */
export interface LaunchOrder {
  /** How long Jupyter may take to come up. */
  readonly timeoutMs: number;
  /** The token of a new server; a random one without. */
  readonly token?: string;
}

/** One attempt to have a server, and how far it has come. */
export interface Launch {
  /** By which the host knows what to undo. */
  readonly id: string;
  /**
   * Called when Jupyter begins to boot: nothing else happens on the host for a while. `isHere`: the host is this
   * machine.
   */
  readonly onBoot: (isHere: boolean) => void;
  /** The record's folder on the host, as soon as it is known; empty from when the host is asked. */
  folder?: string;
}

/**
 * Comes by a server that is on record on its host: by `launchScript`, which finds it or starts it, or by `adoptScript`.
 * The session there may end later: whatever an environment has left running can hold it.
 * @throws HostFailure with the host's or Jupyter's own words when there is none in the end
 */
export async function obtainServer(
  connection: Connection,
  spec: ServerSpec,
  script: Script,
  launch: Launch,
  context: Context,
): Promise<HostServer> {
  launch.folder = '';
  const frames: Frame[] = [];
  let onAnswer = () => {};
  const answered = new Promise<void>((resolve) => {
    onAnswer = resolve;
  });
  const ended = runScript(connection, script, context, (frame) => {
    frames.push(frame);
    if (frame.key === 'folder') launch.folder = frame.value;
    if (frame.key === 'phase') context.report.phase(frame.value);
    if (frame.key === 'boot') launch.onBoot(frame.value === 'here');
    if (frame.key === 'note') context.report.note(frame.value);
    if (frame.key === 'joined') onAnswer();
  });
  await Promise.race([answered, ended]);
  const server = serverIn(frames);
  if (server) return server;
  throw new HostFailure(reportIn(frames), spec);
}

/** Finds the server on its host. Undefined when there is none; starts nothing. */
export async function findServer(
  connection: Connection,
  spec: ServerSpec,
  context: Context,
): Promise<HostServer | undefined> {
  const script = launchScript(spec, 'find', '', { timeoutMs: 0 });
  return serverIn(await askHost(connection, spec, script, context));
}

export function launchScript(
  spec: ServerSpec,
  mode: 'start' | 'find',
  launch: string,
  { timeoutMs, token = '' }: LaunchOrder,
): Script {
  const order = { mode, launch, token, timeout: String(Math.ceil(timeoutMs / 1000)), from: hostname() };
  return { name: 'launch', variables: { name: spec.name, ...scriptVariables(spec), ...order } };
}

/**
 * Puts a server that something else has started on record, under the name of the spec. Undone as a launch is: the
 * record goes then, and the server stays.
 * @param launch a name for this attempt
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

/** Ends what this launch began on the host, if it got that far; a server that was joined is not touched. */
export async function undoLaunch(
  connection: Connection,
  { folder, id }: Launch,
  context: Context,
): Promise<void> {
  if (folder === undefined) return;
  const variables = { folder, pid: '', start_time: '', token: '', launch: id, grace: '0' };
  await runScript(connection, { name: 'stop', variables }, context);
}

/**
 * Ends this very server and verifies that it is gone. While its order is still to come, the way to the host is made.
 * @param order how many milliseconds a server that agreed to end by itself gets before it is told by a signal;
 *   `refused` to let it run
 * @throws HostFailure when it survives even KILL, or is on another node
 */
export async function endJupyter(
  connection: Connection,
  spec: ServerSpec,
  { identity, folder, token }: JupyterRecord,
  order: Promise<number | 'refused'>,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  const script = order.then((graceMs): Script | undefined => {
    if (graceMs === 'refused') return undefined;
    const grace = String(Math.ceil(graceMs / 1000));
    return { name: 'stop', variables: { folder, ...identityVariables(identity), token, launch: '', grace } };
  });
  const answer = askHost(connection, spec, script, context);
  // Whatever became of the way meanwhile, the order comes first.
  answer.catch(() => {});
  if ((await order) === 'refused') return 'refused';
  return (lastValue(await answer, 'stopped') as StopOutcome | undefined) ?? 'gone';
}

/**
 * Looks at the server's process on its host. Answers with the end of its log if it is gone.
 * @throws HostFailure when it is on another node
 */
export async function lookAtServer(
  connection: Connection,
  spec: ServerSpec,
  { identity, folder }: JupyterRecord,
  context: Context,
): Promise<{ readonly lives: boolean; readonly log: readonly string[] }> {
  const script = { name: 'look', variables: { folder, ...identityVariables(identity) } } as const;
  const frames = await askHost(connection, spec, script, context);
  return { lives: lastValue(frames, 'process') === 'alive', log: valuesOf(frames, 'log') };
}

/**
 * Prints the last lines of a server's log, without tokens; with `follow` until the server ends.
 * @throws HostFailure when there is no log
 */
export async function readLog(
  connection: Connection,
  spec: ServerSpec,
  folder: string,
  options: { lines: number; follow: boolean },
  print: (line: string) => void,
  context: Context,
): Promise<void> {
  const variables = { folder, lines: String(options.lines), follow: options.follow ? 'yes' : '' };
  let begun = false;
  const onText = (line: string) => {
    if (begun) print(redactTokens(line));
  };
  const onFrame = (frame: Frame) => {
    if (frame.key === 'begin') begun = true;
    if (frame.key === 'ended') context.report.note('the server has ended');
  };
  await askHost(connection, spec, { name: 'logs', variables }, context, onFrame, onText);
}

/** What doctor.sh found on the host, and what start-up files printed before it. Changes nothing there. */
export async function examineHost(
  connection: Connection,
  spec: ServerSpec,
  context: Context,
): Promise<{ frames: readonly Frame[]; printed: readonly string[] }> {
  const printed: string[] = [];
  const frames: Frame[] = [];
  const script = { name: 'doctor', variables: { name: spec.name, ...scriptVariables(spec) } } as const;
  const onText = (line: string) => {
    if (frames.length === 0 && line.trim() !== '') printed.push(line);
  };
  await runScript(connection, script, context, (frame) => frames.push(frame), onText);
  return { frames, printed };
}
