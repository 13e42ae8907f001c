import { absoluteSshConfig, NO_FILE, verifySshConfig } from '../ssh/config-file.ts';
import { defaultSshConfig, hostAliases } from '../ssh/hosts.ts';

/**
 * The hosts that an ssh_config names, the user's own without a file, each of them a destination.
 * @throws UsageError when the file that is named cannot be read
 */
export function knownHosts(configFile: string | undefined): { file: string; aliases: string[] } {
  verifySshConfig(configFile);
  if (configFile === NO_FILE) return { file: configFile, aliases: [] };
  const file = configFile === undefined ? defaultSshConfig() : absoluteSshConfig(configFile);
  return { file, aliases: hostAliases(file) };
}
