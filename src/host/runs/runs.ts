import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { schedulerNamed } from '../../launchers/launchers.ts';
import type { RunOrder, RunOutcome, RunStatus } from '../../model/run.ts';
import type { ServerSpec } from '../../model/server-spec.ts';
import { scriptVariables } from '../../model/settings.ts';
import { terminalCommand } from '../../ssh/arguments.ts';
import { type Command, commandLine } from '../../system/command.ts';
import { endedBy } from '../../system/context.ts';
import { Failure } from '../../system/errors.ts';
import { assetPath } from '../../system/installation.ts';
import type { OnLine } from '../../system/streams/lines.ts';
import { HostFailure, reportIn } from '../failures.ts';
import { jobVariables } from '../jobs/jobs.ts';
import { type Frame, lastValue } from '../protocol.ts';
import { askHost, type OnHost, runScript } from '../run-script.ts';
import type { Script } from '../script.ts';
import { eventsIn, runIn, runsIn } from './record.ts';
import { FOLDER } from './upload.ts';

/** One attempt to start a run. */
export interface RunLaunch {
  /** Marks on the host what belongs to this attempt. */
  readonly id: string;
  /** The name of the run, to which the host adds a number. */
  readonly name: string;
  /** Names that the run must not have. */
  readonly taken: readonly string[];
  /** The path of the notebook on the host, relative to the directory; or its content, which was uploaded. */
  readonly notebook: string | Buffer;
  readonly order: RunOrder;
  /** Files of this machine's folder that the notebook seems to need. */
  readonly beside: readonly string[];
  /** Whether files were uploaded with the notebook, and whether they replace those that somebody has changed. */
  readonly sent: boolean;
  readonly force: boolean;
}

/** The script that starts a run. */
export function runStartScript(spec: ServerSpec, launch: RunLaunch): Script {
  const { id, name, taken, notebook, order, beside, sent, force } = launch;
  const { parameters, ...rest } = order;
  const path = typeof notebook === 'string' ? notebook : '';
  const size = typeof notebook === 'string' ? '' : String(notebook.length);
  const shared = { ...scriptVariables(spec), launch: id, from: hostname(), notebook: path };
  return {
    name: 'runs/start',
    variables: {
      ...shared,
      ...jobVariables({ ...spec, name }, { name: 'runs/job', variables: shared }),
      ...{ name, taken: taken.join(' '), size },
      ...{ beside: beside.join('\n'), sent: sent ? 'yes' : '', force: force ? 'yes' : '' },
      order: `{"parameters":${parameters},${JSON.stringify(rest).slice(1)}`,
      driver_program: readFileSync(assetPath('host/driver.py'), 'utf8'),
    },
  };
}

/**
 * Starts a run on the host. Returns when its driver has read the notebook, or its job is submitted.
 * @throws HostFailure with the reason, also if the notebook cannot be executed there
 */
export async function startOnHost(server: OnHost, launch: RunLaunch): Promise<RunStatus> {
  const { connection, spec, context } = server;
  const frames = await runScript(connection, runStartScript(spec, launch), context, (frame) => {
    if (frame.key === 'phase') context.report.phase(frame.value);
    if (frame.key === 'note') context.report.note(frame.value);
  });
  const started = runIn(frames, connection.destination, Date.now());
  if (started) return started;
  const report = reportIn(frames);
  const why = eventsIn(frames).at(-1)?.why;
  if (report.cause !== 'unfit' || why === undefined) throw new HostFailure(report, spec);
  throw new Failure(`the notebook cannot be executed on ${connection.destination}: ${why}`);
}

/** Ends and removes what this attempt has started, if anything. */
export async function undoStart({ connection, context }: OnHost, id: string): Promise<void> {
  await runScript(connection, { name: 'runs/stop', variables: { run: '', launch: id } }, context);
}

/** The runs on the host. */
export async function runsOn(server: OnHost): Promise<RunStatus[]> {
  const frames = await askHost(server, { name: 'runs/list', variables: { run: '' } });
  return runsIn(frames, server.connection.destination, Date.now());
}

/** One run. @throws HostFailure when it is not there */
export async function runOn(server: OnHost, name: string): Promise<RunStatus> {
  const frames = await askHost(server, { name: 'runs/list', variables: { run: name } });
  return reported(frames, server, name);
}

const OUTCOMES: readonly RunOutcome[] = ['cancelled', 'released', 'gone'];

/** Cancels a run, and verifies that its processes are gone. Its outputs stay. @throws HostFailure */
export async function stopOnHost(
  server: OnHost,
  name: string,
): Promise<{ outcome: RunOutcome; status: RunStatus }> {
  const frames = await askHost(server, { name: 'runs/stop', variables: { run: name, launch: '' } });
  const stopped = lastValue(frames, 'stopped');
  const outcome = OUTCOMES.find((each) => each === stopped) ?? 'killed';
  return { outcome, status: reported(frames, server, name) };
}

/** Maximum size of a notebook that is brought home, in bytes: a host may print without end, and no page opens a larger one. */
const MAX_RESULT = 500_000_000;

/** The notebook of a run as it is now, byte for byte. @throws HostFailure when there is none, Failure for one that is too large */
export async function resultOnHost(
  server: OnHost,
  name: string,
): Promise<{ status: RunStatus; bytes: Buffer }> {
  const pieces: Buffer[] = [];
  let size = 0;
  let isComplete = false;
  const tooLarge = new AbortController();
  const onFrame = ({ key }: Frame) => {
    if (key === 'ended') isComplete = true;
  };
  const onText = (line: string) => {
    // The login shell may print something at its end.
    if (isComplete) return;
    size += line.length;
    if (size > MAX_RESULT) tooLarge.abort();
    else pieces.push(Buffer.from(line, 'base64'));
  };
  const asked = { ...server, context: endedBy(tooLarge.signal, server.context) };
  try {
    const frames = await askHost(asked, { name: 'runs/result', variables: { run: name } }, onFrame, onText);
    const status = reported(frames, server, name);
    return { status, bytes: gunzipSync(Buffer.concat(pieces), { maxOutputLength: MAX_RESULT }) };
  } catch (cause) {
    if (tooLarge.signal.aborted || (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Failure(`the notebook of "${name}" has more than ${MAX_RESULT / 1_000_000} MB`, {
        remedy: `It is the file output.ipynb in the folder of the run on ${server.connection.destination}: see runs --json.`,
      });
    if (cause instanceof Failure) throw cause;
    throw new Failure(`the notebook of "${name}" did not arrive completely`, { remedy: 'Try again.', cause });
  }
}

/**
 * Prepares a console in the kernel of a run that has failed, and returns the command that opens it.
 * @param hasTerminal without one, the code on standard input is executed
 * @throws HostFailure when its kernel is not kept
 */
export async function consoleOnHost(server: OnHost, name: string, hasTerminal: boolean): Promise<Command> {
  const { job } = await runOn(server, name);
  const words = job && schedulerNamed(job.scheduler)?.within(job.id, hasTerminal);
  const within = words ? commandLine(words) : '';
  const program = readFileSync(assetPath('host/console.py'), 'utf8');
  await askHost(server, { name: 'runs/console', variables: { run: name, within, console_program: program } });
  const command = `exec /bin/sh -c '. "${FOLDER}/${name}/console"'`;
  return terminalCommand(server.connection, command, hasTerminal);
}

/** Removes a run that has ended, with its outputs. @throws HostFailure while it is running */
export async function removeOnHost(server: OnHost, name: string): Promise<void> {
  await askHost(server, { name: 'runs/remove', variables: { run: name } });
}

/**
 * Prints what the cells of a run print, and with `follow` continues until it ends.
 * @param lines how many of the last lines, or `+N` for all from line N on
 * @param onFrame receives `first`, the number of the first line if the log is followed and `lines` does not say it, `alive`, and
 *   `queue` until the job has printed something
 */
export async function readRunLog(
  server: OnHost,
  folder: string,
  { lines, follow }: { lines: string; follow: boolean },
  print: OnLine,
  onFrame: (frame: Frame) => void = () => {},
): Promise<void> {
  const whose = { folder, pid: '', start_time: '', origin: '', machine: '', name: '', directory: '' };
  const variables = { ...whose, file: 'text', lines, follow: follow ? 'yes' : '' };
  await askHost(server, { name: 'logs', variables }, onFrame, print);
}

function reported(frames: readonly Frame[], { connection, spec }: OnHost, name: string): RunStatus {
  const found = runIn(frames, connection.destination, Date.now());
  if (found) return found;
  throw new HostFailure({ cause: 'run', subject: name }, spec);
}
