/**
 * The library: what the command's verbs do, for scripts. Each function rejects with a `Failure`, whose message says
 * what went wrong and whose `remedy` says what to do; a `UsageError` among them says that nothing was run.
 */
import type { HostListing } from './model/listing.ts';
import type { ServerSettings } from './model/settings.ts';
import type { ServerStatus, StopOutcome } from './model/status.ts';
import type { Context } from './system/context.ts';

export type { HostListing, ListedServer } from './model/listing.ts';
export type { ServerStatus, StopOutcome } from './model/status.ts';
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
export interface StartSettings extends Surroundings, ServerSettings {
  readonly name?: string | undefined;
  /** How long Jupyter may take to come up; a minute without. */
  readonly timeoutMs?: number | undefined;
}

/** What can be chosen for a server that runs already. */
export interface AdoptSettings extends Surroundings, Pick<ServerSettings, 'localPort' | 'strictPort'> {
  readonly name?: string | undefined;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a server on its host, or joins it if it runs, and brings it here. No browser is opened.
 * @param target a destination of ssh, or the name of a server
 */
export async function startServer(
  target: string,
  settings: StartSettings = {},
): Promise<ServerStatus & { readonly joined: boolean }> {
  const { resolveServer } = await import('./config/resolve.ts');
  const { startServer: start } = await import('./lifecycle/start.ts');
  const { describeStarted } = await import('./lifecycle/status.ts');
  const context = contextOf(settings);
  const { timeoutMs = START_TIMEOUT_MS } = settings;
  const { verifyNotArticle } = await import('./article/store.ts');
  const spec = await resolveServer(target, settings, context);
  verifyNotArticle(spec.name, context);
  const { record, joined } = await start(spec, { kind: 'start', timeoutMs }, context);
  return { ...(await describeStarted(record, context)), joined };
}

/**
 * Joins a Jupyter server that runs on a host, whoever started it, and brings it here. One that this program has not
 * started is known here by the name that is given, or by its host's and its port.
 * @param target a destination of ssh, or the name of a server on it
 * @param server its port on the host, or its PID, as `hostServers` tells them
 */
export async function adoptServer(
  target: string,
  server: number,
  settings: AdoptSettings = {},
): Promise<ServerStatus> {
  const { adoptServer: join } = await import('./lifecycle/adopt.ts');
  const { describeStarted } = await import('./lifecycle/status.ts');
  const context = contextOf(settings);
  const { record } = await join(target, server, settings, context);
  return describeStarted(record, context);
}

/**
 * Brings up a server's tunnel again, or that of one which another machine has started.
 * @param ports more ports of the host, as the command has them: `6006`, `LOCAL:PORT`, `LOCAL:HOST:PORT`
 */
export async function forwardServer(
  name: string,
  ports: readonly (string | number)[] = [],
  surroundings: Surroundings = {},
): Promise<ServerStatus> {
  const { forwardServer: forward, parseForward } = await import('./lifecycle/forward.ts');
  const context = contextOf(surroundings);
  const more = ports.map((port) => parseForward(String(port)));
  const { spec } = await known(name, surroundings, context);
  return (await forward(spec, more, context)).status;
}

/** What runs: all servers that this machine has started or joined, or the one that is named. */
export async function serverStatus(name?: string, surroundings: Surroundings = {}): Promise<ServerStatus[]> {
  const { statusOf } = await import('./lifecycle/status.ts');
  const { articleStatuses } = await import('./article/store.ts');
  const { knownServer } = await import('./config/resolve.ts');
  const context = contextOf(surroundings);
  const meant =
    name === undefined ? name : (await knownServer(name, surroundings.sshConfig, context)).spec.name;
  return [...(await statusOf(meant, context)), ...(await articleStatuses(meant, context))];
}

/**
 * Every Jupyter server of the user on a host, whoever started it, without its token. Changes nothing there.
 * @param target a destination of ssh, or the name of a server on it
 */
export async function hostServers(target: string, surroundings: Surroundings = {}): Promise<HostListing> {
  const { listHost } = await import('./lifecycle/hosts.ts');
  const { resolveServer } = await import('./config/resolve.ts');
  const context = contextOf(surroundings);
  const { destination, sshConfig } = await resolveServer(target, surroundings, context);
  return listHost(destination, sshConfig, context);
}

/** The server's page with its token, which is a secret. Rejects while no tunnel leads to it, and when the server is gone. */
export async function serverUrl(name: string, surroundings: Surroundings = {}): Promise<string> {
  const { reachableServer, secretUrl } = await import('./lifecycle/open.ts');
  const context = contextOf(surroundings);
  const { record } = await reachableServer(await known(name, surroundings, context), context);
  return secretUrl(record);
}

/** Ends exactly this server, whatever its kernels do, verifies that it is gone, and then ends its tunnel. */
export async function stopServer(name: string, surroundings: Surroundings = {}): Promise<StopOutcome> {
  const { stopServer: stop } = await import('./lifecycle/stop.ts');
  const context = contextOf(surroundings);
  const { spec } = await known(name, surroundings, context);
  // Only who is asked can refuse.
  return (await stop(spec, undefined, context)) as StopOutcome;
}

async function known(name: string, { sshConfig }: Surroundings, context: Context) {
  const { ownServer } = await import('./article/store.ts');
  return ownServer(name, sshConfig, context);
}

function contextOf({ env = process.env, signal, onPhase, onNote }: Surroundings): Context {
  const ignore = () => {};
  const told = { phase: onPhase ?? ignore, note: onNote ?? ignore };
  const report = { ...told, command: ignore, phaseFailed: ignore, passThrough: ignore };
  return { env, signal: signal ?? new AbortController().signal, report };
}
