import { parseRuntimeFile, type RuntimeInfo, redactTokens } from '../jupyter/server.ts';
import { type Frame, parseFrame, type Script, scriptText } from '../remote/script.ts';
import { type Connection, scriptCommand } from '../ssh/arguments.ts';
import { sessionFailure } from '../ssh/messages.ts';
import type { Context } from '../system/context.ts';
import { Failure } from '../system/errors.ts';
import { run } from '../system/run.ts';
import type { Notebook } from './notebook.ts';

/** A server as its host knows it. */
export interface HostServer {
  readonly info: RuntimeInfo;
  readonly folder: string;
  readonly directory: string;
  readonly environment: string;
  readonly command: string;
  readonly began: string;
  readonly startedAt: string;
  /** Whether it ran before it was asked for. */
  readonly joined: boolean;
  /** Who holds the port that was wanted, where that is not the server's. */
  readonly holder: string | undefined;
}

export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'gone';

/** How far a launch has come. */
export interface LaunchProgress {
  /** Called when Jupyter begins to boot: nothing else happens on the host for a while. */
  readonly onBoot: () => void;
  /** The record's folder on the host, as soon as it is known. */
  folder?: string;
}

/**
 * Finds the notebook's server on its host, or starts it.
 * @param launch a name for this attempt, for `undoLaunch`
 * @throws Failure with the host's or Jupyter's own words when there is none in the end
 */
export async function launchServer(
  connection: Connection,
  notebook: Notebook,
  launch: string,
  timeoutMs: number,
  progress: LaunchProgress,
  context: Context,
): Promise<HostServer> {
  const frames = await runScript(
    connection,
    launchScript(notebook, 'start', launch, timeoutMs),
    context,
    (frame) => {
      if (frame.key === 'folder') progress.folder = frame.value;
      if (frame.key === 'phase') context.report.phase(frame.value);
      if (frame.key === 'boot') progress.onBoot();
      if (frame.key === 'note') context.report.note(frame.value);
    },
  );
  const server = serverIn(frames);
  if (server) return server;
  throw launchFailure(frames, notebook);
}

/** Finds the notebook's server on its host. Undefined when there is none; starts nothing. */
export async function findServer(
  connection: Connection,
  notebook: Notebook,
  context: Context,
): Promise<HostServer | undefined> {
  const frames = await runScript(connection, launchScript(notebook, 'find', '', 0), context);
  if (lastValue(frames, 'failed') !== undefined) throw launchFailure(frames, notebook);
  return serverIn(frames);
}

export function launchScript(
  notebook: Notebook,
  mode: 'start' | 'find',
  launch: string,
  timeoutMs: number,
): Script {
  return {
    name: 'launch',
    variables: {
      mode,
      launch,
      name: notebook.name,
      directory: notebook.directory,
      environment: notebook.environment,
      command: notebook.command,
      port: String(notebook.port),
      socket: notebook.socket ? 'yes' : '',
      strict_port: notebook.strictPort ? 'yes' : '',
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
  const variables = { folder: progress.folder, pid: '', began: '', launch, grace: '0' };
  await runScript(connection, { name: 'stop', variables }, context);
}

/**
 * Ends this very server and verifies that it is gone.
 * @param graceMs how long a server that agreed to end by itself gets before it is told by a signal
 */
export async function stopServer(
  connection: Connection,
  server: { pid: number; began: string; folder: string },
  graceMs: number,
  context: Context,
): Promise<StopOutcome> {
  const variables = {
    folder: server.folder,
    pid: String(server.pid),
    began: server.began,
    launch: '',
    grace: String(Math.ceil(graceMs / 1000)),
  };
  const frames = await runScript(connection, { name: 'stop', variables }, context);
  if (lastValue(frames, 'gone') !== undefined) return 'gone';
  const how = lastValue(frames, 'stopped');
  if (how === 'shutdown' || how === 'terminated' || how === 'killed') return how;
  throw new Failure(`the server (PID ${server.pid} on ${connection.destination}) survived even KILL`, {
    remedy:
      'It hangs in the kernel, mostly on a dead file system. Look on the host: ps -o pid,stat,wchan -p ' +
      server.pid,
  });
}

/** What a server's process table says of it, and its last words if it is gone. */
export interface ProcessFinding {
  readonly lives: boolean;
  readonly log: readonly string[];
}

/** Looks at the server's process on its host. */
export async function lookAtServer(
  connection: Connection,
  server: { pid: number; began: string; folder: string },
  context: Context,
): Promise<ProcessFinding> {
  const variables = { folder: server.folder, pid: String(server.pid), began: server.began };
  const frames = await runScript(connection, { name: 'look', variables }, context);
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

/** A host with `MaxSessions 1` may need a moment to close the last session before it takes the next. */
const SESSION_TRIES = 20;
const SESSION_PAUSE_MS = 100;

/** Runs a script on the host over the connection, and answers with its frames. */
async function runScript(
  connection: Connection,
  script: Script,
  context: Context,
  onFrame: (frame: Frame) => void = () => {},
  onText: (line: string) => void = () => {},
): Promise<Frame[]> {
  const frames: Frame[] = [];
  const onLine = (line: string) => {
    const frame = parseFrame(line);
    if (!frame) return onText(line);
    if (frame.key === 'alive') return;
    frames.push(frame);
    onFrame(frame);
  };
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await run(scriptCommand(connection), context, {
      input: scriptText(script),
      onLine,
    });
    if (code === 0) return frames;
    const failure = sessionFailure(connection, stderr);
    if (failure.reason !== 'sessions-used-up' || tries === SESSION_TRIES) throw failure;
    await new Promise((resolve) => setTimeout(resolve, SESSION_PAUSE_MS));
  }
}

function lastValue(frames: readonly Frame[], key: string): string | undefined {
  return frames.findLast((frame) => frame.key === key)?.value;
}

function logIn(frames: readonly Frame[]): string[] {
  return frames.filter((frame) => frame.key === 'log').map((frame) => redactTokens(frame.value));
}

function serverIn(frames: readonly Frame[]): HostServer | undefined {
  const joined = lastValue(frames, 'joined');
  if (joined === undefined) return undefined;
  const value = (key: string) => lastValue(frames, key) ?? '';
  return {
    info: parseRuntimeFile(value('server')),
    folder: value('folder'),
    directory: value('directory'),
    environment: value('environment'),
    command: value('command'),
    began: value('began'),
    startedAt: new Date(Number(value('started')) * 1000).toISOString(),
    joined: joined === 'yes',
    holder: lastValue(frames, 'holder'),
  };
}

/** What the host could not do, and what the user can. */
function launchFailure(
  frames: readonly Frame[],
  { destination, environment, port, strictPort }: Notebook,
): Failure {
  const [cause, ...words] = (lastValue(frames, 'failed') ?? '').split(' ');
  const subject = words.join(' ');
  const log = logIn(frames);
  const lastWords =
    log.length === 0
      ? 'Its log is empty.'
      : `The end of its log:\n${log.map((line) => `  ${line}`).join('\n')}`;
  const holder = lastValue(frames, 'holder');
  switch (cause) {
    case 'directory':
      return new Failure(`the directory ${subject} is not there on ${destination}, or cannot be entered`, {
        remedy: 'Name another with --directory (relative to the home folder), or make it there first.',
      });
    case 'environment':
      return new Failure(
        `the environment ${words[0]} is not there on ${destination}: no bin/activate in it`,
        {
          remedy: `It is looked for in ${words.slice(1).join(' ')}. Make it there: python3 -m venv ${words[0]} && ${words[0]}/bin/pip install jupyterlab`,
        },
      );
    case 'jupyter':
      return new Failure(
        `${words[0]} is not installed on ${destination}: looked in ${words.slice(1).join(' ')}`,
        {
          remedy: environment
            ? `Install it there: ${environment}/bin/pip install jupyterlab`
            : 'Install it there (python3 -m pip install --user jupyterlab), or name its environment with --environment.',
        },
      );
    case 'interface':
      return new Failure(`${subject} on ${destination} has neither JupyterLab nor the notebook beside it`, {
        remedy: 'Install one in the same environment: pip install jupyterlab',
      });
    case 'died':
      if (strictPort && holder) {
        return new Failure(`port ${port} of ${destination} is taken by ${holder}`, {
          remedy: 'Name another with --port, or leave out --strict-port.',
        });
      }
      return new Failure(`Jupyter ended on ${destination} while it started. ${lastWords}`);
    case 'timeout':
      return new Failure(
        `Jupyter did not come up on ${destination} within ${subject} s, and was ended. ${lastWords}`,
        {
          remedy: 'Give it longer with --timeout SECONDS.',
        },
      );
    case 'socket':
      return new Failure(`${destination} has no place for a socket: ${subject}`, {
        remedy:
          'It needs a local folder of yours with a path of at most 100 bytes: set XDG_RUNTIME_DIR there, or leave out --socket.',
      });
    case 'folder':
      return new Failure(`${destination} cannot write ${subject}`, {
        remedy: 'See its permissions, the disk and the quota there.',
      });
    default:
      return new Failure(`${destination} gave no answer that can be understood`, {
        remedy: `Is its /bin/sh a POSIX shell? Try: ssh ${destination} 'echo echo works | /bin/sh -s'`,
      });
  }
}
