import type { Host } from '../ssh/arguments.ts';
import { verifySshConfig } from '../ssh/config-file.ts';
import { readState } from '../state/records.ts';
import type { Context } from '../system/context.ts';
import { configurationFile } from '../system/paths.ts';
import { readConfiguration } from './file.ts';
import { resolveServer } from './resolve.ts';

/**
 * The hosts of all servers on record and in config.yaml, each once.
 * @param sshConfig for those without one of their own
 */
export async function hostsOfServers(sshConfig: string | undefined, context: Context): Promise<Host[]> {
  verifySshConfig(sshConfig);
  const { servers: configured } = await readConfiguration(configurationFile(context.env));
  const recorded = recordedHosts(context);
  const written = Object.entries(configured).map(([name, entry]): Host => {
    const { destination } = entry;
    const same = recorded.find((host) => host.name === name) ?? recorded.find(isOn(destination));
    return { destination, sshConfig: entry.sshConfig ?? same?.sshConfig };
  });
  const all = [...recorded, ...written].map((host): Host => {
    return { destination: host.destination, sshConfig: host.sshConfig ?? sshConfig };
  });
  return [...new Map(all.map((host) => [JSON.stringify([host.destination, host.sshConfig]), host])).values()];
}

/** The hosts of the servers on record, with the ssh_config that was named when each was started. */
function recordedHosts(context: Context): (Host & { readonly name: string })[] {
  const { servers, article } = readState(context);
  return [...Object.values(servers), ...Object.values(article)].map(({ spec }) => spec);
}

function isOn(destination: string): (host: Host) => boolean {
  return (host) => host.destination === destination && host.sshConfig !== undefined;
}

/**
 * The host of a server or a destination, as `start` accepts both. Without an ssh_config of its own it gets the one by
 * which a server on it was started.
 * @throws UsageError when there is no such server, or none is named and there is no default
 */
export async function hostOf(
  target: string | undefined,
  given: string | undefined,
  context: Context,
): Promise<Host> {
  const { destination, sshConfig } = await resolveServer(target, { sshConfig: given }, context);
  const recorded = recordedHosts(context).find(isOn(destination));
  return { destination, sshConfig: sshConfig ?? recorded?.sshConfig };
}
