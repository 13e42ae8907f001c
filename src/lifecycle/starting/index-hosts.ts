import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import { attempt } from '../../system/errors.ts';
import type { Admitted } from '../../tunnel/index-proxy.ts';
import { ownProxy } from '../../tunnel/own-proxy.ts';

/** The settings of pip and uv on this machine that name a package index. */
const OWN_SETTINGS = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'UV_DEFAULT_INDEX', 'UV_INDEX_URL'];

/** The servers of the Python Package Index. */
const PYPI = ['pypi.org', 'files.pythonhosted.org'];

/** Addresses that only this machine's own network has (RFC 1918, 4193, 6598 and their like): a host must not get there. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4');
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');

/**
 * The servers of a package index to which a host may get through this machine. A host may name any server, so only those
 * with a public address are admitted, and those that the settings of pip or uv on this machine name. Behind a proxy, names
 * of the internet may have no address here: then, of the others, only those of the Python Package Index are admitted.
 * @param urls as the host reports them; only https is admitted, which pip speaks through a proxy to the server itself
 */
export async function admittedHosts(urls: readonly string[], env: NodeJS.ProcessEnv): Promise<Admitted[]> {
  const own = OWN_SETTINGS.flatMap((name) => (env[name] ?? '').split(/\s+/)).flatMap(
    (url) => attempt(() => new URL(url))?.host ?? [],
  );
  const servers = urls.flatMap((url) => attempt(() => new URL(url)) ?? []);
  const secure = servers.filter(({ protocol }) => protocol === 'https:');
  const found = await Promise.all(
    secure.map(async ({ hostname: name, host, port }) => {
      const proxy = ownProxy(name, env);
      const addresses = await lookup(name, { all: true }).catch(() => []);
      const usable = addresses.find(({ address, family }) => own.includes(host) || isPublic(address, family));
      const isKnown = addresses.length === 0 && [...own, ...PYPI].includes(host);
      const way = usable ? (proxy ?? usable.address) : isKnown && proxy;
      return way ? [{ name, port: Number(port) || 443, way }] : [];
    }),
  );
  return found.flat();
}

function isPublic(address: string, family: number): boolean {
  return family === 6 ? PUBLIC_V6.check(address, 'ipv6') : !PRIVATE.check(address);
}
