import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfiguration } from '../config/file.ts';
import { withNearestName } from '../config/names.ts';
import { resolveServer } from '../config/resolve.ts';
import { archiveCommand } from '../host/runs/upload.ts';
import type { Script } from '../host/script.ts';
import { installLines, scriptLine } from '../lifecycle/dry-run.ts';
import { defineVerb, destinationOr, verifyAlone } from '../line/verb.ts';
import { exitStatusOf, hasNotebook, type RunStatus } from '../model/run.ts';
import { parseDuration } from '../model/setting-values.ts';
import { readParameters } from '../runs/parameters.ts';
import { requireRun } from '../runs/place.ts';
import { followFromQueue } from '../runs/queue.ts';
import { fetchResult, verifyResultFile } from '../runs/result.ts';
import { filesOf, type NotebookPlace, plannedScript, type RunRequest, startRun } from '../runs/start.ts';
import { cellsOf, reasons } from '../screen/run-lines.ts';
import { RunProgress } from '../screen/run-progress.ts';
import type { Style, Terminal } from '../screen/terminal.ts';
import { verifyNoPassword } from '../ssh/destination.ts';
import { commandLine } from '../system/command.ts';
import { Failure, failureIn, Interrupted, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { oneLine } from '../system/one-line.ts';
import { configurationFile } from '../system/paths.ts';
import { runOnTerminal } from '../system/run.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { RUN_OPTIONS } from './run-options.ts';
import { requestedInstall } from './start-options.ts';

export const run = defineVerb({
  usage: 'run <notebook> [server]',
  summary: 'Execute a whole notebook on a host, also with the laptop closed',
  positionals: {
    notebook: {
      describe:
        'a notebook on this machine; or HOST:PATH for one on the host, relative to the directory there',
      type: 'string',
      completes: 'notebooks',
    },
    ...destinationOr(
      'ssh destination, or the name of a server, whose directory, environment and job options are used',
    ),
  },
  options: RUN_OPTIONS,
  examples: [
    ['$0 run train.ipynb gpu -d rne -e venv', 'send it and execute it there; close the lid when you like'],
    [
      '$0 run train.ipynb gpu -d rne --install',
      'install ipykernel there first, in rne/.venv, if it is missing',
    ],
    ['$0 run train.ipynb gpu --wait', 'the same, and wait: exits with 0 (done), 130 (cancelled) or 1'],
    ['$0 run gpu:exp/train.ipynb -P rate=0.1', 'execute a notebook on the host, with a parameter'],
    ['$0 run gpu:train.ipynb --keep-kernel 1h', 'if it fails, keep its kernel, to look at its variables'],
    [
      '$0 run train.ipynb login --launcher slurm --time 4h --gpus 1',
      'execute it in a batch job of a cluster, through its login node',
    ],
  ],
  async run(args, terminal) {
    const { context, print, show, style } = terminal;
    if (args.then !== undefined && !args.wait)
      throw new UsageError('--then works only with --wait', { remedy: 'Add --wait.' });
    const { notebook, server } = placeOf(args.notebook ?? '', args.server);
    const { parameter, params, output, name, force } = args;
    const { runs: defaults } = await readConfiguration(configurationFile(context.env));
    const files = filesOf(notebook, args.with ?? []);
    if (force && files === undefined) throw new UsageError('--force has no effect without --with');
    const order: RunRequest['order'] = {
      parameters: readParameters(parameter ?? [], params === undefined ? undefined : readText(params)),
      kernel: args.kernel,
      allow_errors: args.allowErrors,
      cell_timeout: secondsOf(args.cellTimeout, 'cell-timeout'),
      keep_kernel: secondsOf(args.keepKernel, 'keep-kernel'),
      then_command: args.thenOnHost ?? defaults?.['then-on-host'],
    };
    // Its --name is that of the run.
    const spec = await resolveServer(server, { ...args, name: undefined }, context);
    const file = output === undefined ? undefined : resolve(output);
    const install = requestedInstall(args, spec);
    const request = { spec, install, notebook, order, name, files, force, output: file };
    // Without --wait, the user is there when the result is fetched.
    if (args.wait || file !== undefined)
      verifyResultFile({ notebook: 'local' in notebook ? notebook.local : undefined, output: file }, context);
    if (args.dryRun) {
      verifyAlone('--dry-run', [args.wait && '--wait']);
      print(...plannedLines(request, args.verbose, terminal));
      return 0;
    }
    const status = await startRun(request, context).catch(async (failure) => {
      throw await withNearestName(failure, spec, context.env);
    });
    const phases = terminal.phases();
    for (const note of status.notes) context.report.note(note);
    if (args.wait) return waitFor(status.name, spec.queueTimeout, args.then ?? defaults?.then, terminal);
    await terminal.result({ ...status, phases }, () => [status.name]);
    for (const line of begunLines(status, style)) show(line);
    return 0;
  },
});

function begunLines({ name, destination, cells, job, why }: RunStatus, { bold, dim }: Style): string[] {
  const isSubmitted = job !== null && cells === 0;
  const how = isSubmitted
    ? `is submitted on ${destination} (job ${job.id})`
    : `is running on ${destination} (${cells} cells)`;
  return [
    `${bold(name)} ${how}. This machine is no longer needed.`,
    ...(isSubmitted && why ? [dim(oneLine(why))] : []),
    dim(`See it: remote-notebook runs ${destination}. Its output: remote-notebook logs ${name} -f`),
    dim(`Its notebook at any time: remote-notebook fetch ${name}. Cancel it: remote-notebook stop ${name}`),
  ];
}

/** Prints what the cells print until the run ends, and fetches the result. Ctrl-C leaves the run. Returns the exit status. */
async function waitFor(
  name: string,
  queueTimeout: string | undefined,
  then: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const { context, show, style } = terminal;
  const { place } = requireRun(name, context);
  const progress = new RunProgress(terminal);
  try {
    const status = await followFromQueue({ name, place }, queueTimeout, progress, context);
    progress.end();
    const fetched = hasNotebook(status)
      ? await fetchResult(name, place, { force: false }, context).catch(failureIn)
      : { file: null };
    const file = fetched instanceof Failure ? null : fetched.file;
    const where = file === null ? '' : ` Its notebook is in ${file}`;
    show(`\n${style.bold(name)}: ${status.state}, ${cellsOf(status)}.${where}`);
    for (const line of reasons(status)) show(`  ${line}`);
    if (fetched instanceof Failure) {
      terminal.showFailure(fetched);
      show(`Its notebook is still on ${status.destination}: remote-notebook fetch ${name}`);
    }
    await terminal.result({ ...status, file });
    const exit = exitStatusOf(status);
    if (then !== undefined) {
      const env = { ...context.env, RUN: name, STATE: status.state, EXIT: String(exit) };
      await runOnTerminal(['/bin/sh', '-c', then], { ...context, env });
    }
    if (fetched instanceof Failure) return 1;
    return exit;
  } catch (error) {
    progress.end();
    if (error instanceof Interrupted)
      throw new Interrupted(
        `${name} continues. To follow it again: remote-notebook logs ${name} -f. To cancel it: remote-notebook stop ${name}`,
      );
    throw error;
  }
}

/** Where the notebook is. `gpu:train.ipynb` is on the host, unless a file here has that name. */
function placeOf(
  typed: string,
  server: string | undefined,
): { notebook: NotebookPlace; server: string | undefined } {
  const [, host, path] = /^((?:\[[^\]]+\]|[^:/\\])+):(.+)$/s.exec(typed) ?? [];
  if (!existsSync(typed) && server !== undefined && existsSync(server))
    throw new UsageError(`there is no notebook "${typed}"`, {
      remedy: `The notebook comes first: remote-notebook run ${server} ${typed}`,
    });
  if (/^[^:/\\]+:$/.test(typed) && !existsSync(typed))
    throw new UsageError(`"${typed}" does not name a notebook`, {
      remedy: `Write its path after the colon: ${typed}PATH`,
    });
  if (host === undefined || path === undefined || existsSync(typed)) {
    verifyNoFolder(server, typed);
    return { notebook: { local: resolve(typed) }, server };
  }
  verifyNoPassword(typed);
  verifyAlone(`the host in "${typed}"`, [server !== undefined && `"${server}"`]);
  return { notebook: { remote: path }, server: host };
}

/** @throws UsageError for a directory after the host, as scp would have it. An IPv6 address has more colons. */
function verifyNoFolder(server: string | undefined, notebook: string): void {
  const [, host, folder] = /^([^:]+):((?!\/\/|\d+$)[^:]+)$/s.exec(server ?? '') ?? [];
  if (host === undefined || folder === undefined) return;
  throw new UsageError(`"${server}" is a host with a directory, which has an option of its own`, {
    remedy: `Write: ${commandLine(['remote-notebook', 'run', notebook, host, '--directory', folder])}`,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${reason(cause)}`);
  }
}

function secondsOf(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : parseDuration(text, option);
}

/** The command that submits a job, and what the job begins with. */
function submissionLines(
  { submit = '', job_script = '' }: Script['variables'],
  isVerbose: boolean,
): string[] {
  if (submit === '') return [];
  return [
    '# submit: the script does this on the host; $folder is the folder of the run',
    submit,
    ...(isVerbose ? ['# job.sh in that folder:', job_script] : []),
  ];
}

function plannedLines(request: RunRequest, isVerbose: boolean, { context }: Terminal): string[] {
  const { spec, notebook, files, install } = request;
  const connection = connectionOf(spec, context.env);
  const planned = plannedScript(request, context);
  return [
    ...(install ? installLines(spec, install, isVerbose, connection) : []),
    ...('local' in notebook
      ? [`# upload: ${notebook.local} goes to the standard input of a cat on ${spec.destination}`]
      : []),
    ...(files ? [`# upload: so does the output of ${commandLine(archiveCommand(files))}`] : []),
    '# launch: a script for the host, on standard input',
    scriptLine(connection, planned, isVerbose),
    ...submissionLines(planned.variables, isVerbose),
  ];
}
