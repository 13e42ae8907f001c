import { lookup } from 'node:dns/promises';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import type { Host } from './arguments.ts';
import { mainLine, sshFailure } from './causes/messages.ts';
import { parseDestination } from './destination.ts';
import { optionsOf } from './options.ts';

/** The options that ssh uses for a destination; the first value of each. */
export type Resolved = ReadonlyMap<string, string>;

/** Does not connect. @throws UsageError when the ssh_config is not valid */
export async function resolveDestination(host: Host, context: Context): Promise<Resolved> {
  const { options, mistake } = await optionsOf(host, context);
  if (mistake !== undefined)
    throw new UsageError(mainLine(mistake), { remedy: sshFailure(host, mistake).remedy });
  return new Map([...options].map(([name, [first = '']]) => [name, first]));
}

/** The proxy that ssh uses for a host, if any: then this machine need not know the host's name and port. */
export function viaAnother(resolved: Resolved): string | undefined {
  const [jump, proxy] = [resolved.get('proxyjump'), resolved.get('proxycommand')];
  if (jump && jump !== 'none') return `ProxyJump ${jump}`;
  return proxy && proxy !== 'none' ? 'ProxyCommand' : undefined;
}

/** The addresses of a host. @throws the error of this machine's resolver */
export async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** How ssh would connect to a destination. */
export interface LookedUp {
  readonly hostName: string;
  readonly user: string;
  readonly port: string;
  /** What knows the host: a section of the ssh_config, or a name server; undefined if neither does. */
  readonly knownBy: 'ssh_config' | 'a name server' | undefined;
}

/** Looks up a destination without connecting. @throws UsageError when the ssh_config is not valid */
export async function lookUp(host: Host, context: Context): Promise<LookedUp> {
  const resolved = await resolveDestination(host, context);
  const { hostname: hostName = '', user = '', port = '' } = Object.fromEntries(resolved);
  const named = parseDestination(host.destination).host;
  if (hostName.toLowerCase() !== named.toLowerCase() || viaAnother(resolved) !== undefined)
    return { hostName, user, port, knownBy: 'ssh_config' };
  const hasAddress = await addressesOf(hostName).then(Boolean, () => false);
  return { hostName, user, port, knownBy: hasAddress ? 'a name server' : undefined };
}
