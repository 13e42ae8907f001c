import { defaultSshConfig, hostAliases } from './aliases.ts';
import { absoluteSshConfig, NO_FILE, verifySshConfig } from './config-file.ts';

/**
 * The hosts that an ssh_config names, the user's own without a file, each of them a destination.
 * @throws UsageError when the file that is named cannot be read
 */
export function knownHosts(sshConfig: string | undefined): { file: string; aliases: string[] } {
  verifySshConfig(sshConfig);
  if (sshConfig === NO_FILE) return { file: sshConfig, aliases: [] };
  const file = sshConfig === undefined ? defaultSshConfig() : absoluteSshConfig(sshConfig);
  return { file, aliases: hostAliases(file) };
}
