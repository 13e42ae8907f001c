import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from '../system/errors.ts';
import { ensurePrivateFolder, writePrivateFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';

type Environment = NodeJS.ProcessEnv;

/** The names of the partitions that clusters have listed, by destination. */
type Partitions = Readonly<Record<string, readonly string[]>>;

function partitionsFile(env: Environment): string {
  return join(stateFolder(env), 'partitions.json');
}

/** The partitions that were listed last; none if the file is missing or not valid. */
export function knownPartitions(env: Environment): Partitions {
  // Without a schema, because tab completion must be fast.
  return attempt(() => JSON.parse(readFileSync(partitionsFile(env), 'utf8'))) ?? {};
}

/** Keeps the partitions of a destination for tab completion. */
export async function keepPartitions(
  destination: string,
  names: readonly string[],
  env: Environment,
): Promise<void> {
  const all = { ...knownPartitions(env), [destination]: names };
  ensurePrivateFolder(stateFolder(env));
  await writePrivateFile(partitionsFile(env), `${JSON.stringify(all)}\n`);
}
