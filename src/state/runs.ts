import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Context } from '../system/context.ts';
import { attempt } from '../system/errors.ts';
import { ensurePrivateFolder, writePrivateFile } from '../system/files.ts';
import { stateFolder } from '../system/paths.ts';
import { withLock } from './lock.ts';
import { readStateFile } from './state-file.ts';

/** Maximum number of runs, and of written notebooks, that are remembered. */
const MAX_REMEMBERED = 500;

const PlaceSchema = v.object({
  destination: v.string(),
  sshConfig: v.optional(v.string()),
  /** The absolute path of its notebook on this machine, if it was sent from here. */
  notebook: v.optional(v.string()),
  /** Where its result is to be written, if the user has named another file. */
  output: v.optional(v.string()),
  /** Whether it had ended when this machine last looked. */
  ended: v.optional(v.boolean()),
});

/** Where a run is, and where its notebook is on this machine. */
export type RunPlace = Readonly<v.InferOutput<typeof PlaceSchema>>;

const FileSchema = v.object({
  runs: v.record(v.string(), PlaceSchema),
  /** The SHA-256 of each notebook that was written here, by its path: a file that differs was changed by somebody else. */
  written: v.record(v.string(), v.string()),
});

/** The runs that this machine has started or seen, by their names. Their hosts know everything else. */
export type KnownRuns = Readonly<v.InferOutput<typeof FileSchema>>;

/** Reads runs.json. If it is missing or corrupt there are none: `runs HOST` finds them again. @throws Failure */
export function readRuns({ env }: Context): KnownRuns {
  const content = readStateFile(runsFile(env)) ?? '';
  return attempt(() => v.parse(FileSchema, JSON.parse(content))) ?? { runs: {}, written: {} };
}

/** The names of the runs on record, for Tab: a file that is not valid has none. */
export function runNames(env: NodeJS.ProcessEnv): { name: string; destination: string }[] {
  const known = attempt(() => v.parse(FileSchema, JSON.parse(readFileSync(runsFile(env), 'utf8'))));
  return Object.entries(known?.runs ?? {}).map(([name, { destination }]) => ({ name, destination }));
}

/** Changes runs.json under a lock, so that commands that run at the same time lose no entry. */
export async function updateRuns(context: Context, change: (known: KnownRuns) => KnownRuns): Promise<void> {
  ensurePrivateFolder(stateFolder(context.env));
  const file = runsFile(context.env);
  await withLock(file, context, async () => {
    const { runs, written } = change(readRuns(context));
    const kept = { runs: lastOf(runs), written: lastOf(written) };
    await writePrivateFile(file, `${JSON.stringify(kept, undefined, 2)}\n`, true);
  });
}

function lastOf<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).slice(-MAX_REMEMBERED));
}

function runsFile(env: NodeJS.ProcessEnv): string {
  return join(stateFolder(env), 'runs.json');
}
