/** The functions of the library for runs: see index.ts. */

import { resolve } from 'node:path';
import { readConfiguration } from '../config/file.ts';
import { hostOf } from '../config/hosts.ts';
import { resolveServer } from '../config/resolve.ts';
import { installOrder } from '../lifecycle/starting/install.ts';
import type { RunOutcome, RunStatus } from '../model/run.ts';
import type { ServerSettings } from '../model/settings.ts';
import { contextOf, type Surroundings } from '../system/context.ts';
import { configurationFile } from '../system/paths.ts';
import { openConsole as openRunConsole } from './console.ts';
import { readParameters } from './parameters.ts';
import { requireRun } from './place.ts';
import { followFromQueue } from './queue.ts';
import { fetchResult } from './result.ts';
import * as runs from './runs.ts';
import { filesOf, startRun } from './start.ts';

/** The settings of a batch job that executes a notebook. */
type JobSetting =
  | 'launcher'
  | 'time'
  | 'cpus'
  | 'memory'
  | 'gpus'
  | 'partition'
  | 'account'
  | 'jobOption'
  | 'queueTimeout';

/** Where a run is executed, and how. The settings are those of the server that `target` names, unless they are given. */
export interface RunSettings
  extends Surroundings,
    Pick<ServerSettings, 'directory' | 'environment' | 'setup' | JobSetting> {
  /** As `--install`: whether to install Jupyter if it is missing; `requirements`: also what the directory names. */
  readonly install?: boolean | { readonly requirements: boolean } | undefined;
  /** The name of a set of settings of a batch job in config.yaml. */
  readonly job?: string | undefined;
  /** Values for the notebook's cell with the tag `parameters`, as papermill sets them. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  /** The name of the run, before its number; by default that of the notebook. */
  readonly name?: string | undefined;
  /** Files and folders below the folder of the notebook that go with it to the same place in the directory on the host. */
  readonly with?: readonly string[] | undefined;
  /** Whether they replace files that somebody has changed there. */
  readonly force?: boolean | undefined;
  /** A shell command for the host at the end of the run, with RUN, STATE and EXIT in its environment; by default that of config.yaml. */
  readonly thenOnHost?: string | undefined;
  /** The name of the kernel; by default the notebook's. */
  readonly kernel?: string | undefined;
  /** The run ends if a cell takes longer. */
  readonly cellTimeoutSeconds?: number | undefined;
  /** Whether to continue after a cell that fails. */
  readonly allowErrors?: boolean | undefined;
  /** How long the kernel of a run that fails is kept, to look at its variables. */
  readonly keepKernelSeconds?: number | undefined;
}

/**
 * Executes a whole notebook on a host. Resolves when it has begun, or its batch job is submitted: from then on it needs nothing of
 * this machine. Rejects when the notebook cannot be executed there; nothing is left then.
 * @param notebook the path of a notebook on this machine, or of one on the host, relative to the directory there
 * @param target an ssh destination, or the name of a server
 */
export async function runNotebook(
  notebook: string | { readonly remote: string },
  target: string,
  settings: RunSettings = {},
): Promise<RunStatus> {
  const context = contextOf(settings);
  const { parameters = {}, kernel, name, force } = settings;
  // The name is that of the run.
  const spec = await resolveServer(target, { ...settings, name: undefined }, context);
  const place = typeof notebook === 'string' ? { local: resolve(notebook) } : notebook;
  const { runs: defaults } = await readConfiguration(configurationFile(context.env));
  const order = {
    parameters: readParameters([], JSON.stringify(parameters)),
    kernel,
    cell_timeout: settings.cellTimeoutSeconds,
    allow_errors: settings.allowErrors,
    keep_kernel: settings.keepKernelSeconds,
    then_command: settings.thenOnHost ?? defaults?.['then-on-host'],
  };
  const files = filesOf(place, settings.with ?? []);
  const install = installOrder(spec, settings.install);
  return startRun({ spec, install, notebook: place, order, name, files, force }, context);
}

/** All runs on a host, whichever machine started them, the newest last. @param target an ssh destination, or a server's name */
export async function hostRuns(target: string, surroundings: Surroundings = {}): Promise<RunStatus[]> {
  const context = contextOf(surroundings);
  return runs.listRuns(await hostOf(target, surroundings.sshConfig, context), context);
}

/**
 * Waits for the end of a run, also while there is no connection to its host.
 * @param settings.onLine receives each line that its cells print, from the first one, and the titles of the cells
 * @returns how it ended; a run that fails is not an error
 * @throws Failure when its batch job waits for something that does not come by itself
 */
export async function waitForRun(
  name: string,
  settings: Surroundings & { readonly onLine?: (line: string) => void } = {},
): Promise<RunStatus> {
  const context = contextOf(settings);
  const run = requireRun(name, context);
  const { onLine = () => {} } = settings;
  const reader = {
    // What a function of the user returns is not a promise to wait for.
    print: (line: string) => void onLine(line),
    begun: () => {},
    status: () => {},
  };
  return followFromQueue(run, undefined, reader, context);
}

/**
 * Brings the notebook of a run to this machine, also while it is running.
 * @param settings.output the file; by default NAME.out.ipynb beside the notebook that was sent
 * @param settings.force whether to replace a file that was changed, or that this function has not written
 */
export async function fetchRun(
  name: string,
  settings: Surroundings & { readonly output?: string; readonly force?: boolean } = {},
): Promise<RunStatus & { readonly file: string }> {
  const context = contextOf(settings);
  const { output, force = false } = settings;
  const run = requireRun(name, context);
  const { file, status } = await fetchResult(run.name, run.place, { output, force }, context);
  return { ...status, file };
}

/** Cancels a run, and keeps everything that it has computed. */
export async function stopRun(name: string, surroundings: Surroundings = {}): Promise<RunOutcome> {
  const context = contextOf(surroundings);
  const run = requireRun(name, context);
  return (await runs.stopRun(run.name, run.place, context)).outcome;
}

/**
 * Opens a console in the kernel of a run that has failed, and was started with `keepKernelSeconds`. Without a terminal, the code on
 * standard input is executed there. Resolves to the exit status: 1 if the code has raised an error.
 */
export function openConsole(name: string, surroundings: Surroundings = {}): Promise<number> {
  const context = contextOf(surroundings);
  const run = requireRun(name, context);
  return openRunConsole(run.name, run.place, context);
}
