import { isDeepStrictEqual } from 'node:util';
import { startedServers } from '../config/names.ts';
import type { OnHost } from '../host/run-script.ts';
import type { RunStatus } from '../model/run.ts';
import { defaultName, makeSpec } from '../model/server-spec.ts';
import type { Host } from '../ssh/arguments.ts';
import { type KnownRuns, type RunPlace, readRuns } from '../state/runs.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { nearest } from '../system/nearest.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { onTunnel } from '../tunnel/tunnel.ts';

/** Does `work` with a connection to a host, for scripts about runs. @param host.isQuiet whether ssh must not ask for a password */
export function withHost<T>(
  { destination, sshConfig, isQuiet = false }: Host & { readonly isQuiet?: boolean },
  context: Context,
  work: (server: OnHost) => Promise<T>,
): Promise<T> {
  const connection = { ...connectionOf({ destination, sshConfig }, context.env), isQuiet };
  const spec = makeSpec(defaultName(destination), { destination, sshConfig });
  return onTunnel(connection, context, () => work({ connection, spec, context }));
}

/** A run, by the name that it has on its host. */
export interface NamedRun {
  readonly name: string;
  readonly place: RunPlace;
}

/**
 * The run that a user names, if this machine has started or seen it. Every object also has a `toString`, which is not a run.
 * @param reference its name, or HOST:NAME: see `referenceTo`
 */
export function knownRun(reference: string | undefined, context: Context): NamedRun | undefined {
  const { runs } = readRuns(context);
  const place = reference !== undefined && Object.hasOwn(runs, reference) ? runs[reference] : undefined;
  return place && { name: nameIn(reference ?? ''), place };
}

/** The name of a run on its host. No name contains a colon. */
export function nameIn(reference: string): string {
  return reference.slice(reference.lastIndexOf(':') + 1);
}

/** Whether this machine knows a run by this reference, on this host. */
export function isOn(reference: string, host: Host, { runs }: Pick<KnownRuns, 'runs'>): boolean {
  return isDeepStrictEqual(runs[reference] && hostOfRun(runs[reference]), host);
}

/** How this machine refers to a run: by its name, or by HOST:NAME if it knows another run of that name on another host. */
export function referenceTo(name: string, host: Host, known: Pick<KnownRuns, 'runs'>): string {
  const long = `${host.destination}:${name}`;
  const isOther = Object.hasOwn(known.runs, name) && !isOn(name, host, known);
  return isOther || isOn(long, host, known) ? long : name;
}

/** How commands name a run that was listed: see `referenceTo`. */
export function referenceOf({ name, destination }: RunStatus, context: Context): string {
  const { runs } = readRuns(context);
  const long = `${destination}:${name}`;
  return Object.hasOwn(runs, long) && runs[name]?.destination !== destination ? long : name;
}

/** As `knownRun`. @throws UsageError when this machine does not know it */
export function requireRun(reference: string, context: Context): NamedRun {
  const known = knownRun(reference, context);
  if (known) return known;
  const server = startedServers(context.env).find(({ name }) => name === reference);
  const near = server ? undefined : nearest(reference, Object.keys(readRuns(context).runs));
  const what = server ? `"${reference}" is a server, not a run` : `this machine knows no run "${reference}"`;
  throw new UsageError(what, {
    remedy: `${near === undefined ? '' : `Did you mean ${near}? `}To see the runs of a host: remote-notebook runs ${server?.destination ?? 'HOST'}`,
  });
}

/** The host of a run. */
export function hostOfRun({ destination, sshConfig }: Pick<RunPlace, 'destination' | 'sshConfig'>): Host {
  return { destination, sshConfig };
}
