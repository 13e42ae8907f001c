/**
 * The library: what the command's verbs do, for scripts. Each function rejects with a `Failure`: its message says what
 * went wrong, and its `remedy` what to do. A `UsageError` is a Failure before anything was run.
 */
import { ownServer, statusesOf, verifyNotArticle } from './article/store.ts';
import { resolveServer } from './config/resolve.ts';
import * as adopt from './lifecycle/adopt.ts';
import * as forward from './lifecycle/forward.ts';
import { listHost } from './lifecycle/hosts.ts';
import { reachableServer, secretUrl } from './lifecycle/open.ts';
import * as start from './lifecycle/start.ts';
import { describeStarted } from './lifecycle/status.ts';
import * as stop from './lifecycle/stop.ts';
import type { HostListing } from './model/listing.ts';
import type { ServerSettings } from './model/settings.ts';
import type { ServerStatus, StopOutcome } from './model/status.ts';
import type { Context } from './system/context.ts';

export type { HostListing, ListedServer } from './model/listing.ts';
export type { ServerStatus, StopOutcome } from './model/status.ts';
export { Failure, Interrupted, UsageError } from './system/errors.ts';

/** Options of every function. */
export interface Surroundings {
  /** Another ssh configuration file than ~/.ssh/config (ssh -F). */
  readonly sshConfig?: string | undefined;
  /** Aborting it cancels the work and undoes what was begun; the function rejects with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** The environment variables; by default those of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called when a phase of the work begins: connect, launch, jupyter, forward, prove. */
  readonly onPhase?: ((name: string) => void) | undefined;
  /** Called with messages for the user of one line each, such as a port that is in use. */
  readonly onNote?: ((message: string) => void) | undefined;
}

/** The settings of config.yaml, and of the options of the same names. */
export interface StartSettings extends Surroundings, ServerSettings {
  readonly name?: string | undefined;
  /** How long to wait until Jupyter has started; by default a minute. */
  readonly timeoutMs?: number | undefined;
}

/** The settings that can be chosen for a server which is already running. */
export interface AdoptSettings extends Surroundings, Pick<ServerSettings, 'localPort' | 'strictPort'> {
  readonly name?: string | undefined;
}

/**
 * Starts a server on its host, or connects to it if it is running. Does not open a browser.
 * @param target an ssh destination, or the name of a server
 */
export async function startServer(
  target: string,
  settings: StartSettings = {},
): Promise<ServerStatus & { readonly joined: boolean }> {
  const context = contextOf(settings);
  const spec = await resolveServer(target, settings, context);
  verifyNotArticle(spec.name, context);
  const way = { kind: 'start', timeoutMs: settings.timeoutMs ?? 60_000 } as const;
  const { record, joined } = await start.startServer(spec, way, context);
  return { ...(await describeStarted(record, context)), joined };
}

/**
 * Connects to a running Jupyter server on a host, no matter who started it. If this program did not start it, its name
 * here is the given one, or one made of its host and port.
 * @param target an ssh destination, or the name of a server there
 * @param server its port on the host, or its PID, as `hostServers` returns them
 */
export async function adoptServer(
  target: string,
  server: number,
  settings: AdoptSettings = {},
): Promise<ServerStatus> {
  const context = contextOf(settings);
  const { record } = await adopt.adoptServer(target, server, settings, context);
  return describeStarted(record, context);
}

/**
 * Brings up the tunnel of a server again, including one that was started from another machine.
 * @param ports more ports of the host, in the syntax of the command: `6006`, `LOCAL:PORT`, `LOCAL:HOST:PORT`
 */
export async function forwardServer(
  name: string,
  ports: readonly (string | number)[] = [],
  surroundings: Surroundings = {},
): Promise<ServerStatus> {
  const context = contextOf(surroundings);
  const more = ports.map((port) => forward.parseForward(String(port)));
  const { spec } = await ownServer(name, surroundings.sshConfig, context);
  return (await forward.forwardServer(spec, more, context)).status;
}

/** The status of the named server, or of all servers that this machine has started or connected to. */
export function serverStatus(name?: string, surroundings: Surroundings = {}): Promise<ServerStatus[]> {
  return statusesOf(name, surroundings.sshConfig, contextOf(surroundings));
}

/**
 * Every Jupyter server of the user on a host, no matter who started it, without its token. Changes nothing there.
 * @param target an ssh destination, or the name of a server there
 */
export async function hostServers(target: string, surroundings: Surroundings = {}): Promise<HostListing> {
  const context = contextOf(surroundings);
  const { destination, sshConfig } = await resolveServer(target, surroundings, context);
  return listHost({ destination, sshConfig }, context);
}

/** The URL of the server with its token, which is a secret. Rejects when the server or its tunnel is not running. */
export async function serverUrl(name: string, surroundings: Surroundings = {}): Promise<string> {
  const context = contextOf(surroundings);
  const known = await ownServer(name, surroundings.sshConfig, context);
  return secretUrl((await reachableServer(known, context)).record);
}

/** Ends exactly this server even if a kernel is busy, verifies that it is gone, and then ends its tunnel. */
export async function stopServer(name: string, surroundings: Surroundings = {}): Promise<StopOutcome> {
  const context = contextOf(surroundings);
  const { spec } = await ownServer(name, surroundings.sshConfig, context);
  // Without a question nobody can refuse.
  return (await stop.stopServer(spec, undefined, context)) as StopOutcome;
}

function contextOf({ env = process.env, signal, onPhase, onNote }: Surroundings): Context {
  const ignore = () => {};
  const shown = { phase: onPhase ?? ignore, note: onNote ?? ignore };
  const report = { ...shown, command: ignore, phaseFailed: ignore, passThrough: ignore };
  return { env, signal: signal ?? new AbortController().signal, report };
}
