import { basename, join, posix } from 'node:path';
import type { InstallOrder } from '../host/install/install.ts';
import { cleanUp, type OnHost } from '../host/run-script.ts';
import { type RunLaunch, runStartScript, startOnHost, undoStart } from '../host/runs/runs.ts';
import { uploadFiles, uploadNotebook } from '../host/runs/upload.ts';
import type { Script } from '../host/script.ts';
import { installJupyter } from '../lifecycle/starting/install.ts';
import { parseEnvironment } from '../model/environment.ts';
import type { RunOrder, RunStatus } from '../model/run.ts';
import { nameFrom, type ServerSpec, verifyName } from '../model/server-spec.ts';
import { withLock } from '../state/lock.ts';
import { readState } from '../state/records.ts';
import { readRuns, updateRuns } from '../state/runs.ts';
import { type Context, uninterrupted } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { ensurePrivateFolder } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { onTunnel } from '../tunnel/tunnel.ts';
import { type Companions, companionsOf, namesBeside } from './companions.ts';
import { readNotebook } from './notebook.ts';

/** A notebook to execute, and how. */
export interface RunRequest {
  /** Where, and in which directory and environment. */
  readonly spec: ServerSpec;
  /** What to install there first, unless it is there; undefined: nothing. */
  readonly install?: InstallOrder | undefined;
  readonly notebook: NotebookPlace;
  readonly order: Omit<RunOrder, 'notebook'>;
  /** The name of the run, before its number; by default that of the notebook. */
  readonly name?: string | undefined;
  /** Files that go with a notebook of this machine. */
  readonly files?: Companions | undefined;
  /** Whether the files replace those on the host that somebody has changed. */
  readonly force?: boolean | undefined;
  /** Where the result is to be written on this machine, if not beside the notebook. */
  readonly output?: string | undefined;
}

/** On this machine, by its absolute path, or on the host, by its path relative to the directory of the server. */
export type NotebookPlace = { readonly local: string } | { readonly remote: string };

/**
 * Starts a run on its host, and remembers it. Returns when the notebook was read there, or the job that does it was submitted:
 * nothing on this machine is needed any more until the result is fetched. A failure is undone.
 */
export async function startRun(request: RunRequest, context: Context): Promise<RunStatus> {
  verifyNoContainer(request.spec);
  const content = contentOf(request.notebook);
  const name = nameOf(request);
  ensurePrivateFolder(stateFolder(context.env));
  // Two hosts cannot know that they give two runs one name.
  const lock = join(stateFolder(context.env), `run-${name}`);
  return withLock(lock, context, () => start(request, launchOf(request, content, name, context), context));
}

async function start(request: RunRequest, launch: RunLaunch, context: Context): Promise<RunStatus> {
  const { spec, notebook, output, files } = request;
  const connection = connectionOf(spec, context.env);
  const server = { connection, spec, context };
  context.report.phase('connect');
  const status = await onTunnel(connection, context, async () => {
    if (request.install) await installJupyter(server, request.install);
    if (typeof launch.notebook !== 'string') {
      context.report.phase('upload');
      await uploadNotebook(server, launch.id, launch.notebook);
    }
    try {
      if (files && launch.sent) await uploadFiles(server, launch.id, files);
      context.report.phase('launch');
      return await startOnHost(server, launch);
    } catch (error) {
      await undo(server, launch.id);
      throw error;
    }
  });
  const { destination, sshConfig } = spec;
  const local = 'local' in notebook ? notebook.local : undefined;
  const place = { destination, sshConfig, notebook: local, output };
  // The run has begun: it must not be forgotten, although the user may have interrupted this command since.
  await updateRuns(uninterrupted(context), ({ runs, written }) => ({
    runs: { ...runs, [status.name]: place },
    written,
  }));
  return status;
}

/** Removes what a start that has failed has left on the host. If that fails, too, it is noted: the start may have succeeded. */
async function undo(server: OnHost, id: string): Promise<void> {
  const why = await cleanUp(server, (host) => undoStart(host, id));
  if (why === undefined) return;
  const { destination } = server.connection;
  server.context.report.note(
    `could not confirm the cleanup on ${destination} (${why}). To see whether the run was started: remote-notebook runs ${destination}`,
  );
}

/** @throws UsageError for a server in a container: the notebook would be executed outside of it */
function verifyNoContainer({ environment }: ServerSpec): void {
  if (parseEnvironment(environment).kind === 'container') {
    throw new UsageError(`a run cannot be in a container yet (${environment})`, {
      remedy: 'Name another environment with --environment, or open the notebook in a server that you start.',
    });
  }
}

/** The files that go with a notebook. @throws UsageError for a notebook on the host, which runs where its files are */
export function filesOf(notebook: NotebookPlace, paths: readonly string[]): Companions | undefined {
  if (paths.length === 0) return undefined;
  if ('local' in notebook) return companionsOf(notebook.local, paths);
  throw new UsageError('--with works only for a notebook on this machine', {
    remedy: 'A notebook on the host is executed in its own folder.',
  });
}

/** The script of a start, for --dry-run. */
export function plannedScript(request: RunRequest, context: Context): Script {
  verifyNoContainer(request.spec);
  const content = contentOf(request.notebook);
  return runStartScript(request.spec, launchOf(request, content, nameOf(request), context));
}

/** The characters of a name that leave room for its number. */
const MAX_NAME = 56;

/** The name of a run without its number: by default that of the notebook. */
function nameOf({ notebook, name }: RunRequest): string {
  const file = 'local' in notebook ? basename(notebook.local) : posix.basename(notebook.remote);
  const chosen = name === undefined ? nameFrom(file.replace(/\.ipynb$/, '')) : verifyName(name, 'run');
  return chosen.slice(0, MAX_NAME);
}

function launchOf(
  { notebook, order, files = { folder: '', names: [] }, force = false }: RunRequest,
  content: string | Buffer,
  name: string,
  context: Context,
): RunLaunch {
  const path = 'local' in notebook ? notebook.local : notebook.remote;
  return {
    id: Math.random().toString(36).slice(2),
    name,
    taken: namesLike(name, context),
    notebook: content,
    order: { ...order, notebook: path },
    beside: typeof content === 'string' ? [] : namesBeside(path, content, files),
    sent: files.names.length > 0,
    force,
  };
}

/** The names of servers and runs that another run of this notebook could get: both have one name space. */
function namesLike(name: string, context: Context): string[] {
  const { servers, article, stopped } = readState(context);
  const names = [servers, article, stopped, readRuns(context).runs].flatMap((table) => Object.keys(table));
  return names.filter(
    (other) => other.startsWith(`${name}-`) && /^[1-9]\d*$/.test(other.slice(name.length + 1)),
  );
}

/** The content of a notebook on this machine, or the path of one on the host. @throws UsageError */
function contentOf(notebook: NotebookPlace): string | Buffer {
  return 'remote' in notebook ? notebook.remote : readNotebook(notebook.local);
}
