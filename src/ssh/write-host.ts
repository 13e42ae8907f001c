import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { changeUserFile } from '../system/user-file.ts';
import { knownHosts } from './aliases.ts';
import { type HostBlock, withHostBlock } from './host-block.ts';
import { resolveDestination } from './resolve.ts';

/**
 * Adds a Host to an ssh_config (~/.ssh/config by default) and verifies that ssh reads it as intended.
 * @returns a function that removes the Host again
 * @throws Failure when the file cannot be written, UsageError when an earlier line overrides the Host; then the file
 *   is unchanged
 */
export async function addHost(
  block: HostBlock,
  sshConfig: string | undefined,
  context: Context,
): Promise<() => Promise<void>> {
  const { file } = knownHosts(sshConfig);
  const changed = await changeUserFile(file, true, (text) => withHostBlock(text, block));
  const undo = async () => changed?.undo();
  try {
    await verifyEffective(block, sshConfig, file, context);
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** ssh_config(5): ssh uses the first value that it finds for each of these options. */
async function verifyEffective(
  { alias, hostName, user, port }: HostBlock,
  sshConfig: string | undefined,
  file: string,
  context: Context,
): Promise<void> {
  const resolved = await resolveDestination({ destination: alias, sshConfig }, context);
  for (const [key, value] of Object.entries({ HostName: hostName, User: user, Port: port?.toString() })) {
    const effective = resolved.get(key.toLowerCase());
    if (value === undefined || effective?.toLowerCase() === value.toLowerCase()) continue;
    throw new UsageError(
      `ssh uses ${key} ${effective} for "${alias}" instead of ${value}: an earlier line of ${file} sets it`,
      { remedy: 'Options before the first Host apply to every host: move them below a "Host *" at the end.' },
    );
  }
}
