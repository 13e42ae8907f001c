/**
 * The library: what the command's verbs do, for scripts. Each function rejects with a `Failure`: its message says what
 * went wrong, and its `remedy` what to do. A `UsageError` is a Failure before anything was run.
 */

import { ownServer, statusesOf, verifyNotArticle } from './article/store.ts';
import { hostOf, hostsOfServers } from './config/hosts.ts';
import { resolveServer, serverToStop } from './config/resolve.ts';
import * as adopt from './lifecycle/adopt.ts';
import * as forward from './lifecycle/forward.ts';
import { listHost, listHosts } from './lifecycle/hosts.ts';
import { reachableServer, secretUrl, urlOf } from './lifecycle/open.ts';
import * as start from './lifecycle/start.ts';
import { installOrder } from './lifecycle/starting/install.ts';
import * as submit from './lifecycle/starting/submit.ts';
import { describeStarted } from './lifecycle/status.ts';
import * as stop from './lifecycle/stop.ts';
import type { HostListing, HostReport } from './model/listing.ts';
import type { GivenSettings } from './model/server-spec.ts';
import type { ServerSettings } from './model/settings.ts';
import type { ServerStatus, StopOutcome } from './model/status.ts';
import * as report from './report/report.ts';
import { contextOf, type Surroundings } from './system/context.ts';

export type { HostListing, HostReport, ListedServer, SilentHost } from './model/listing.ts';
export type { RunJob, RunOutcome, RunStatus } from './model/run.ts';
export type { ServerJob, ServerStatus, StopOutcome } from './model/status.ts';
export { reportMarkdown } from './report/markdown.ts';
export type { Report } from './report/report.ts';
export {
  fetchRun,
  hostRuns,
  openConsole,
  type RunSettings,
  runNotebook,
  stopRun,
  waitForRun,
} from './runs/library.ts';
export type { Surroundings } from './system/context.ts';
export { Failure, Interrupted, UsageError } from './system/errors.ts';

/** The settings of config.yaml, and of the options of the same names. */
export interface StartSettings extends Surroundings, GivenSettings {
  /** How long to wait until Jupyter has started; by default a minute. */
  readonly timeoutMs?: number | undefined;
  /** As `--install`: whether to install Jupyter if it is missing; `requirements`: also what the directory names. */
  readonly install?: boolean | { readonly requirements: boolean } | undefined;
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
  const { timeoutMs = 60_000, install } = settings;
  const way = { kind: 'start', timeoutMs, install: installOrder(spec, install) } as const;
  const started = await start.startServer(spec, way, context);
  return { ...(await describeStarted(started, context)), joined: started.joined };
}

/**
 * Submits the batch job of a server, unless it is there, and does not wait for its start: `startServer` does that later. Rejects
 * for a server without a `launcher`.
 */
export async function submitServer(target: string, settings: StartSettings = {}): Promise<ServerStatus> {
  const context = contextOf(settings);
  const spec = await resolveServer(target, settings, context);
  verifyNotArticle(spec.name, context);
  const { timeoutMs = 60_000, install } = settings;
  const order = { timeoutMs, install: installOrder(spec, install) };
  const submitted = await submit.submitServer(spec, order, context);
  return 'record' in submitted ? describeStarted(submitted, context) : submitted;
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
  return describeStarted(await adopt.adoptServer(target, server, settings, context), context);
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
export async function serverStatus(name?: string, surroundings: Surroundings = {}): Promise<ServerStatus[]> {
  const context = contextOf(surroundings);
  return statusesOf(name, surroundings.sshConfig, context);
}

/**
 * Every Jupyter server of the user on a host, no matter who started it, without its token. Changes nothing there.
 * @param target an ssh destination, or the name of a server there
 */
export async function hostServers(target: string, surroundings: Surroundings = {}): Promise<HostListing> {
  const context = contextOf(surroundings);
  return listHost(await hostOf(target, surroundings.sshConfig, context), context);
}

/**
 * The same of every host that is known here: those of the servers in config.yaml, and of those that were started. All are
 * asked at the same time, without a password. A host that does not answer has an `error` instead of servers.
 */
export async function allHostServers(surroundings: Surroundings = {}): Promise<HostReport[]> {
  const context = contextOf(surroundings);
  return listHosts(await hostsOfServers(surroundings.sshConfig, context), context);
}

/** Which page of a server is meant. */
export interface PageSettings extends Surroundings {
  /** The path of a notebook, a file or a folder in the server's directory; by default the page of the server. */
  readonly document?: string | undefined;
}

/**
 * The URL of the server with its token, which is a secret. Rejects when the server or its tunnel is not running, and when
 * there is no such document.
 */
export async function serverUrl(name: string, settings: PageSettings = {}): Promise<string> {
  const context = contextOf(settings);
  const known = await ownServer(name, settings.sshConfig, context);
  const { record } = await reachableServer(known, context);
  return secretUrl(await urlOf(record, settings.document, context), record);
}

/**
 * Ends exactly this server even if a kernel is busy, verifies that it is gone, and then ends its tunnel. Returns `gone`
 * for a server that is not running.
 */
export async function stopServer(name: string, surroundings: Surroundings = {}): Promise<StopOutcome> {
  const context = contextOf(surroundings);
  const known = await serverToStop(name, surroundings.sshConfig, context);
  if (!known) return 'gone';
  const { spec } = known;
  verifyNotArticle(spec.name, context);
  // Without a question nobody can refuse.
  return (await stop.stopServer(spec, undefined, context)) as StopOutcome;
}

/**
 * Collects what a bug report needs to know, without secrets as far as they can be recognized. Rejects only when it is
 * cancelled: what could not be found is in `missing`. `reportMarkdown` makes the text of an issue of it.
 * @param target the name of a server, or an ssh destination
 */
export function makeReport(target?: string, surroundings: Surroundings = {}): Promise<report.Report> {
  return report.makeReport(target, surroundings.sshConfig, contextOf(surroundings));
}
