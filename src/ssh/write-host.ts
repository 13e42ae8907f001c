import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Context } from '../system/context.ts';
import { Failure, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { knownHosts } from './aliases.ts';
import { type HostBlock, withHostBlock } from './host-block.ts';
import { resolveDestination } from './resolve.ts';

/** Takes the block out of the file again. */
export type TakeBack = () => Promise<void>;

/**
 * Writes a Host of its own into an ssh_config, the user's own without a file, and sees that ssh reads it as it is meant.
 * The file keeps its text, its mode and its place behind a link; as it was, it is kept beside it.
 * @throws Failure when it cannot be written, UsageError when what stands before it wins; it is as it was then
 */
export async function addHost(
  block: HostBlock,
  sshConfig: string | undefined,
  context: Context,
): Promise<TakeBack> {
  const { file: named } = knownHosts(sshConfig);
  const file = existsSync(named) ? realpathSync(named) : named;
  const takeBack = await write(file, block);
  try {
    await verifyHeard(block, sshConfig, named, context);
    return takeBack;
  } catch (error) {
    await takeBack();
    throw error;
  }
}

async function write(file: string, block: HostBlock): Promise<TakeBack> {
  const { default: writeFileAtomic } = await import('write-file-atomic');
  const isNew = !existsSync(file);
  const kept = `${file}.before-remote-notebook`;
  try {
    const before = isNew ? '' : readFileSync(file, 'utf8');
    // ssh refuses a file that others can write.
    const mode = isNew ? 0o600 : statSync(file).mode & 0o777;
    const after = withHostBlock(before, block);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if (!isNew) copyFileSync(file, kept);
    await writeFileAtomic(file, after, { mode });
    return async () => {
      // Whoever has changed it meanwhile knows what stands there.
      if (readFileSync(file, 'utf8') !== after) return;
      if (isNew) rmSync(file);
      else await writeFileAtomic(file, before, { mode });
      rmSync(kept, { force: true });
    };
  } catch (cause) {
    throw new Failure(`cannot write ${file}: ${reason(cause)}`, { cause });
  }
}

/** ssh_config(5): for these options the first value counts, and what stands there already may have set it. */
async function verifyHeard(
  block: HostBlock,
  sshConfig: string | undefined,
  file: string,
  context: Context,
): Promise<void> {
  const { alias, hostName, user, port } = block;
  const resolved = await resolveDestination({ destination: alias, sshConfig }, context);
  const wanted: readonly (readonly [key: string, value: string | undefined])[] = [
    ['HostName', hostName],
    ['User', user],
    ['Port', port?.toString()],
  ];
  for (const [key, value] of wanted) {
    const heard = resolved.get(key.toLowerCase());
    if (value === undefined || heard?.toLowerCase() === value.toLowerCase()) continue;
    throw new UsageError(
      `ssh takes ${key} ${heard} for "${alias}", and not ${value}: another line of ${file} says so first`,
      {
        remedy:
          'What stands in front of all Hosts counts for each of them: put it below a "Host *" at the end.',
      },
    );
  }
}
