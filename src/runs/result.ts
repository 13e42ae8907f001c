import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { resultOnHost } from '../host/runs/runs.ts';
import { hasEnded, type RunStatus } from '../model/run.ts';
import { type RunPlace, readRuns, updateRuns } from '../state/runs.ts';
import type { Context } from '../system/context.ts';
import { errorCode, Failure, UsageError } from '../system/errors.ts';
import { makeFolders, reason } from '../system/files.ts';
import { hostOfRun, referenceTo, withHost } from './place.ts';

/** The file for the result of a run: as the user has named it, or else `train.out.ipynb` beside `train.ipynb`, or here. */
function resultFile(name: string, { notebook, output }: Pick<RunPlace, 'notebook' | 'output'>): string {
  if (output !== undefined) return output;
  return notebook === undefined
    ? resolve(`${name}.out.ipynb`)
    : `${notebook.replace(/\.ipynb$/, '')}.out.ipynb`;
}

/**
 * Brings the notebook of a run to this machine, as it is now: also while the run continues.
 * @param force also over a file that somebody has changed since it was written here
 * @throws Failure when the file would be lost; nothing is changed then
 */
export async function fetchResult(
  name: string,
  place: RunPlace,
  { output, force }: { output?: string | undefined; force: boolean },
  context: Context,
): Promise<{ file: string; status: RunStatus }> {
  const file = output === undefined ? resultFile(name, place) : resolve(output);
  if (!force) verifyOurs(file, place, changedMeanwhile, context);
  const { status, bytes } = await withHost(hostOfRun(place), context, (server) => resultOnHost(server, name));
  if (!force) verifyOurs(file, place, changedMeanwhile, context);
  const { default: writeFileAtomic } = await import('write-file-atomic');
  try {
    makeFolders(dirname(file), 0o777);
    await writeFileAtomic(file, bytes);
  } catch (cause) {
    throw new Failure(`cannot write ${file}: ${reason(cause)}`, {
      remedy: 'Name another file with --output.',
      cause,
    });
  }
  const seen = { ...place, ended: hasEnded(status) };
  await updateRuns(context, ({ runs, written }) => ({
    runs: { ...runs, [referenceTo(name, hostOfRun(place), { runs })]: seen },
    written: { ...written, [file]: sumOf(bytes) },
  }));
  return { file, status };
}

function changedMeanwhile(what: string): Failure {
  return new Failure(what, { remedy: 'Name another file with --output, or replace it with --force.' });
}

function misnamed(what: string): Failure {
  return new UsageError(what, { remedy: 'Name another file with --output, or move that one.' });
}

/**
 * Verifies before a run starts that its result can be written at its end, which may be hours later.
 * @throws UsageError when the file would be lost, or its folder cannot be written
 */
export function verifyResultFile(place: Pick<RunPlace, 'notebook' | 'output'>, context: Context): void {
  // Otherwise the name of the file is that of the run, which is not known yet.
  if (place.notebook === undefined && place.output === undefined) return;
  const file = resultFile('', place);
  verifyOurs(file, place, misnamed, context);
  // write-file-atomic writes to such a name first.
  if (codeOf(() => statSync(`${file}.0123456789`)) === 'ENAMETOOLONG')
    throw misnamed(`cannot write ${file}: its name is too long`);
  let folder = dirname(file);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    // With the dot, a file in the place of the folder is refused, too.
    accessSync(`${folder}/.`, constants.W_OK);
  } catch (cause) {
    throw misnamed(`cannot write ${file}: ${reason(cause)}`);
  }
}

/** @throws what `failure` makes of a file that was not written by this program, or was changed since */
function verifyOurs(
  file: string,
  { notebook }: Pick<RunPlace, 'notebook'>,
  failure: (what: string) => Failure,
  context: Context,
): void {
  if (file === notebook) throw failure(`${file} is the notebook itself`);
  if (!existsSync(file) || readRuns(context).written[file] === sumOf(readBytes(file))) return;
  throw failure(`${file} was changed since it was written, or is another file`);
}

/** The code of the error that `look` throws. */
function codeOf(look: () => unknown): string | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UsageError(`${file} cannot be replaced by a notebook: ${reason(cause)}`, {
      remedy: 'Name another file with --output.',
    });
  }
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
