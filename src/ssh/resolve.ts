import { lookup } from 'node:dns/promises';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { run } from '../system/run.ts';
import { type Host, resolveCommand } from './arguments.ts';
import { parseDestination } from './destination.ts';
import { sshFailure, tellingLine } from './messages.ts';

/** What ssh makes of a destination, by its configuration: the first value of each option, as `ssh -G` prints them. */
export type Resolved = ReadonlyMap<string, string>;

/** Asks ssh what it makes of a destination. Connects to nothing. @throws UsageError when the ssh_config is broken */
export async function resolveDestination(host: Host, context: Context): Promise<Resolved> {
  const { code, stdout, stderr } = await run(resolveCommand(host), context);
  if (code !== 0) throw new UsageError(tellingLine(stderr), { remedy: sshFailure(host, stderr).remedy });
  const resolved = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [, key, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !resolved.has(key)) resolved.set(key, value);
  }
  return resolved;
}

/** How a host is reached through something else: its name and its port mean nothing to this machine then. */
export function viaAnother(resolved: Resolved): string | undefined {
  const [jump, proxy] = [resolved.get('proxyjump'), resolved.get('proxycommand')];
  if (jump && jump !== 'none') return `ProxyJump ${jump}`;
  return proxy && proxy !== 'none' ? 'ProxyCommand' : undefined;
}

/** The addresses of a host, as this machine's resolver has them. @throws the resolver's error when it has none */
export async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** What ssh makes of a destination, by its configuration and its own defaults. */
export interface LookedUp {
  readonly hostName: string;
  readonly user: string;
  readonly port: string;
  /** Who knows the way: a section of ssh_config, a name server; undefined where nobody does. */
  readonly knownBy: 'ssh_config' | 'a name server' | undefined;
}

/** Looks a destination up. Connects to nothing. @throws UsageError when the ssh_config is broken */
export async function lookUp(host: Host, context: Context): Promise<LookedUp> {
  const resolved = await resolveDestination(host, context);
  const value = (key: string) => resolved.get(key) ?? '';
  const hostName = value('hostname');
  const named = parseDestination(host.destination).host;
  const isConfigured = hostName.toLowerCase() !== named.toLowerCase() || viaAnother(resolved) !== undefined;
  const isNamed = !isConfigured && (await addressesOf(hostName).then(Boolean, () => false));
  return {
    hostName,
    user: value('user'),
    port: value('port'),
    knownBy: isConfigured ? 'ssh_config' : isNamed ? 'a name server' : undefined,
  };
}
