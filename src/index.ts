/**
 * The library: what the command's verbs do, for scripts. Each function rejects with a `Failure`, whose message says
 * what went wrong and whose `remedy` says what to do; a `UsageError` among them says that nothing was run.
 */
import type { HostListing } from './notebook/listed-server.ts';
import type { NotebookStatus } from './notebook/notebook-status.ts';
import type { GivenSettings } from './notebook/settings.ts';
import type { Context } from './system/context.ts';

export type { HostListing, ListedServer } from './notebook/listed-server.ts';
export type { NotebookStatus } from './notebook/notebook-status.ts';
export { Failure, Interrupted, UsageError } from './system/errors.ts';

/** What each function may be given of the world around it. */
export interface Surroundings {
  /** ssh's own `-F`: another file than ~/.ssh/config. */
  readonly sshConfig?: string | undefined;
  /** Aborted, it ends the work; what was begun is undone, and the function rejects with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** The environment variables; those of this process without. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Told the phases of the work as they begin: connect, launch, jupyter, forward, prove. */
  readonly onPhase?: ((name: string) => void) | undefined;
  /** Told what the user should know, in one line each: a taken port, a server that runs with other settings. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** The settings of config.yaml, and of the options of the same names. */
export interface StartSettings extends Surroundings, GivenSettings {
  readonly name?: string | undefined;
  /** How long Jupyter may take to come up; a minute without. */
  readonly timeoutMs?: number | undefined;
}

/** What can be chosen for a server that runs already. */
export interface JoinSettings extends Surroundings {
  readonly name?: string | undefined;
  readonly localPort?: number | undefined;
  readonly strictPort?: boolean | undefined;
}

/** How a server ended: it was asked to, TERM or KILL did it, or it was gone already. */
export type StopOutcome = 'shutdown' | 'terminated' | 'killed' | 'gone';

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a notebook on its host, or joins it if it runs, and brings it here. No browser is opened.
 * @param target a destination of ssh, or the name of a notebook
 */
export async function startNotebook(
  target: string,
  settings: StartSettings = {},
): Promise<NotebookStatus & { readonly joined: boolean }> {
  const { resolveNotebook } = await import('./notebook/resolve.ts');
  const { settingsFrom } = await import('./notebook/settings.ts');
  const { startNotebook: start } = await import('./notebook/start.ts');
  const { describeStarted } = await import('./notebook/status.ts');
  const context = contextOf(settings);
  const { name, sshConfig, timeoutMs = START_TIMEOUT_MS } = settings;
  const notebook = await resolveNotebook(target, { ...settingsFrom(settings), name }, sshConfig, context);
  const { record, joined } = await start(notebook, { mode: 'start', timeoutMs }, context);
  return { ...(await describeStarted(record, context)), joined };
}

/**
 * Joins a Jupyter server that runs on a host, whoever started it, and brings it here. One that this program has not
 * started becomes a notebook, of the name that is given or of its host's and its port.
 * @param target a destination of ssh, or the name of a notebook, whose host is meant
 * @param server its port on the host, or its PID, as `hostServers` tells them
 */
export async function joinServer(
  target: string,
  server: number,
  settings: JoinSettings = {},
): Promise<NotebookStatus> {
  const { joinServer: join } = await import('./notebook/join.ts');
  const { describeStarted } = await import('./notebook/status.ts');
  const context = contextOf(settings);
  const { name, localPort, strictPort, sshConfig } = settings;
  const chosen = { name, 'local-port': localPort, 'strict-port': strictPort };
  const { record } = await join(target, server, chosen, sshConfig, context);
  return describeStarted(record, context);
}

/**
 * Brings up a notebook's tunnel again, or that of a server which another machine has started.
 * @param ports more ports of the host, as the command has them: `6006`, `LOCAL:PORT`, `LOCAL:HOST:PORT`
 */
export async function forwardNotebook(
  name: string,
  ports: readonly (string | number)[] = [],
  surroundings: Surroundings = {},
): Promise<NotebookStatus> {
  const { forwardNotebook: forward, parseForward } = await import('./notebook/forward.ts');
  const context = contextOf(surroundings);
  const more = ports.map((port) => parseForward(String(port)));
  return (await forward(await known(name, surroundings, context), more, context)).status;
}

/** What runs: all notebooks that this machine has started or joined, or the one that is named. */
export async function notebookStatus(
  name?: string,
  surroundings: Surroundings = {},
): Promise<NotebookStatus[]> {
  const { statusOf } = await import('./notebook/status.ts');
  return statusOf(name, surroundings.sshConfig, contextOf(surroundings));
}

/**
 * Every Jupyter server of the user on a host, whoever started it, without its token. Changes nothing there.
 * @param target a destination of ssh, or the name of a notebook, whose host is meant
 */
export async function hostServers(target: string, surroundings: Surroundings = {}): Promise<HostListing> {
  const { listHost } = await import('./notebook/every-server.ts');
  const { resolveNotebook } = await import('./notebook/resolve.ts');
  const context = contextOf(surroundings);
  const { destination, configFile } = await resolveNotebook(target, {}, surroundings.sshConfig, context);
  return listHost(destination, configFile, context);
}

/** The notebook's page with its token, which is a secret. Rejects while no tunnel leads to it, and when its server is gone. */
export async function notebookUrl(name: string, surroundings: Surroundings = {}): Promise<string> {
  const { reachableNotebook, secretUrl } = await import('./notebook/open.ts');
  const context = contextOf(surroundings);
  const { record } = await reachableNotebook(await known(name, surroundings, context), context);
  return secretUrl(record);
}

/** Ends exactly this notebook's server, whatever its kernels do, verifies that it is gone, and then ends its tunnel. */
export async function stopNotebook(name: string, surroundings: Surroundings = {}): Promise<StopOutcome> {
  const { stopNotebook: stop } = await import('./notebook/stop.ts');
  const context = contextOf(surroundings);
  // Only who is asked can refuse.
  return (await stop(await known(name, surroundings, context), undefined, context)) as StopOutcome;
}

async function known(name: string, { sshConfig }: Surroundings, context: Context) {
  const { knownNotebook } = await import('./notebook/resolve.ts');
  return knownNotebook(name, sshConfig, context);
}

function contextOf({ env = process.env, signal, onPhase, onNote }: Surroundings): Context {
  const ignore = () => {};
  const told = { phase: onPhase ?? ignore, note: onNote ?? ignore };
  const report = { ...told, command: ignore, phaseFailed: ignore, passThrough: ignore };
  return { env, signal: signal ?? new AbortController().signal, report };
}
