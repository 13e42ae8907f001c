import { defaultSshConfig, hostAliases } from '../ssh/hosts.ts';

/** The hosts that an ssh_config names, the user's own without a file, each of them a destination. */
export function knownHosts(configFile: string | undefined): { file: string; aliases: string[] } {
  const file = configFile ?? defaultSshConfig();
  return { file, aliases: hostAliases(file) };
}
