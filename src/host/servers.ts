import { hostname } from 'node:os';
import { redactTokens } from '../jupyter/server.ts';
import { identityText, pidOf } from '../model/identity.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { scriptVariables } from '../model/settings.ts';
import type { Connection } from '../ssh/arguments.ts';
import type { JupyterRecord } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { Elsewhere, launchFailure } from './failures.ts';
import { runScript } from './run-script.ts';
import { type Frame, lastValue, type Script } from './script.ts';
import { type HostServer, identityVariables, serverIn } from './server-record.ts';

export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'gone';

/** What a launch is told besides the server. */
export interface LaunchOrder {
  /** A name for this attempt, for `undoLaunch`. */
  readonly launch: string;
  /** How long Jupyter may take to come up. */
  readonly timeoutMs: number;
  /** The token of a new server; a random one without. */
  readonly token?: string;
}

/** How far a launch has come. */
export interface LaunchProgress {
  /**
   * Called when Jupyter begins to boot: nothing else happens on the host for a while. `isHere`: the host is this
   * machine.
   */
  readonly onBoot: (isHere: boolean) => void;
  /** The record's folder on the host, as soon as it is known; empty from when the host is asked. */
  folder?: string;
}

/**
 * Finds the server on its host, or starts it. Its session there may end later: whatever an environment has
 * left running can hold it.
 * @throws Failure with the host's or Jupyter's own words when there is none in the end
 */
export async function launchServer(
  connection: Connection,
  spec: ServerSpec,
  order: LaunchOrder,
  progress: LaunchProgress,
  context: Context,
): Promise<HostServer> {
  progress.folder = '';
  const frames: Frame[] = [];
  let onAnswer = () => {};
  const answered = new Promise<void>((resolve) => {
    onAnswer = resolve;
  });
  const ended = runScript(connection, launchScript(spec, 'start', order), context, (frame) => {
    frames.push(frame);
    if (frame.key === 'folder') progress.folder = frame.value;
    if (frame.key === 'phase') context.report.phase(frame.value);
    if (frame.key === 'boot') progress.onBoot(frame.value === 'here');
    if (frame.key === 'note') context.report.note(frame.value);
    if (frame.key === 'joined') onAnswer();
  });
  await Promise.race([answered, ended]);
  const server = serverIn(frames);
  if (server) return server;
  throw launchFailure(frames, logIn(frames), spec);
}

/** Finds the server on its host. Undefined when there is none; starts nothing. */
export async function findServer(
  connection: Connection,
  spec: ServerSpec,
  context: Context,
): Promise<HostServer | undefined> {
  const frames = await runScript(
    connection,
    launchScript(spec, 'find', { launch: '', timeoutMs: 0 }),
    context,
  );
  if (lastValue(frames, 'failed') !== undefined) throw launchFailure(frames, logIn(frames), spec);
  return serverIn(frames);
}

/** All servers of this user on the host that were started by this program, from any machine, and live. */
export async function listServers(connection: Connection, context: Context): Promise<HostServer[]> {
  const servers: HostServer[] = [];
  let frames: Frame[] = [];
  await runScript(connection, { name: 'servers', variables: { all: '' } }, context, (frame) => {
    frames.push(frame);
    if (frame.key !== 'joined') return;
    const server = serverIn(frames);
    if (server) servers.push(server);
    frames = [];
  });
  return servers;
}

export function launchScript(
  spec: ServerSpec,
  mode: 'start' | 'find',
  { launch, timeoutMs, token = '' }: LaunchOrder,
): Script {
  return {
    name: 'launch',
    variables: {
      mode,
      launch,
      token,
      from: hostname(),
      name: spec.name,
      ...scriptVariables(spec),
      timeout: String(Math.ceil(timeoutMs / 1000)),
    },
  };
}

/** Ends what this launch began on the host, if it got that far; a server that was joined is not touched. */
export async function undoLaunch(
  connection: Connection,
  progress: LaunchProgress,
  launch: string,
  context: Context,
): Promise<void> {
  if (progress.folder === undefined) return;
  const variables = { folder: progress.folder, pid: '', start_time: '', token: '', launch, grace: '0' };
  await runScript(connection, { name: 'stop', variables }, context);
}

/**
 * Ends this very server and verifies that it is gone. While its order is still to come, the way to the host is made.
 * @param order how many milliseconds a server that agreed to end by itself gets before it is told by a signal;
 *   `refused` to let it run
 */
export async function endJupyter(
  connection: Connection,
  server: Pick<JupyterRecord, 'identity' | 'folder' | 'token'>,
  order: Promise<number | 'refused'>,
  context: Context,
): Promise<StopOutcome | 'refused'> {
  const { folder, token } = server;
  const variables = { folder, ...identityVariables(server.identity), token, launch: '' };
  const script = order.then((graceMs) =>
    graceMs === 'refused'
      ? undefined
      : ({ name: 'stop', variables: { ...variables, grace: String(Math.ceil(graceMs / 1000)) } } as const),
  );
  const answer = runScript(connection, script, context);
  // Whatever became of the way meanwhile, the order comes first.
  answer.catch(() => {});
  if ((await order) === 'refused') return 'refused';
  const frames = await answer;
  verifyHere(connection, frames);
  if (lastValue(frames, 'gone') !== undefined) return 'gone';
  const how = lastValue(frames, 'stopped');
  if (how === 'shutdown' || how === 'terminated' || how === 'killed') return how;
  throw new Failure(
    `the server (${identityText(server.identity)} on ${connection.destination}) survived even KILL`,
    {
      remedy:
        'It hangs in the kernel, mostly on a dead file system. Look on the host: ps -o pid,stat,wchan -p ' +
        pidOf(server.identity),
    },
  );
}

/** What a server's process table says of it, and its last words if it is gone. */
export interface ProcessFinding {
  readonly lives: boolean;
  readonly log: readonly string[];
}

/** @throws Elsewhere when the script found that another node of the destination has the server. */
function verifyHere({ destination }: Connection, frames: readonly Frame[]): void {
  const [cause, ...words] = (lastValue(frames, 'failed') ?? '').split(' ');
  if (cause === 'elsewhere') throw new Elsewhere(destination, words);
}

/** Looks at the server's process on its host. */
export async function lookAtServer(
  connection: Connection,
  server: Pick<JupyterRecord, 'identity' | 'folder'>,
  context: Context,
): Promise<ProcessFinding> {
  const variables = { folder: server.folder, ...identityVariables(server.identity) };
  const frames = await runScript(connection, { name: 'look', variables }, context);
  verifyHere(connection, frames);
  return { lives: lastValue(frames, 'process') === 'alive', log: logIn(frames) };
}

/** Prints the last lines of a server's log, without tokens; with `follow` until the server ends. */
export async function readLog(
  connection: Connection,
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
  const frames = await runScript(connection, { name: 'logs', variables }, context, onFrame, onText);
  if (lastValue(frames, 'failed') !== undefined) {
    throw new Failure(`${connection.destination} has no log of this server any more (${folder}/log)`);
  }
}

/** What doctor.sh found on the host, and what start-up files printed before it. Changes nothing there. */
export async function examineHost(
  connection: Connection,
  spec: ServerSpec,
  context: Context,
): Promise<{ frames: readonly Frame[]; printed: readonly string[] }> {
  const variables = { name: spec.name, ...scriptVariables(spec) };
  const printed: string[] = [];
  let begun = false;
  const onFrame = () => {
    begun = true;
  };
  const onText = (line: string) => {
    if (!begun && line.trim() !== '') printed.push(line);
  };
  const frames = await runScript(connection, { name: 'doctor', variables }, context, onFrame, onText);
  return { frames, printed };
}

/**
 * What survey.sh found on the host for a server in this directory. Changes nothing there.
 * @throws LaunchFailure when there is no such directory, or the server's environment cannot be entered
 */
export async function surveyHost(
  connection: Connection,
  spec: ServerSpec,
  context: Context,
): Promise<Frame[]> {
  const variables = { ...scriptVariables(spec), command: '' };
  const frames = await runScript(connection, { name: 'environments', variables }, context);
  if (lastValue(frames, 'failed') !== undefined) throw launchFailure(frames, logIn(frames), spec);
  return frames;
}

function logIn(frames: readonly Frame[]): string[] {
  return frames.filter((frame) => frame.key === 'log').map((frame) => redactTokens(frame.value));
}
