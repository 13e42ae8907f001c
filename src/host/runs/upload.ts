import { Readable } from 'node:stream';
import { type Connection, sessionCommand } from '../../ssh/arguments.ts';
import { sessionFailure } from '../../ssh/causes/messages.ts';
import type { Command } from '../../system/command.ts';
import type { Context } from '../../system/context.ts';
import { Failure } from '../../system/errors.ts';
import { type Result, run } from '../../system/run.ts';
import { runPiped } from '../../system/streams/pipe.ts';
import { readSshOutput } from '../../tunnel/keeper.ts';
import { whileResponding } from '../../tunnel/master.ts';
import { inFreeSession, type OnHost } from '../run-script.ts';

/** The folder of all runs, for a sh on the host. No character in it means anything within single quotes of any login shell. */
export const FOLDER = '${XDG_STATE_HOME:-$HOME/.local/state}/remote-notebook/runs';

/**
 * The command that takes bytes on its standard input, and removes them again if the connection is lost before all have arrived.
 * @param size of the file, if it is known: it is verified
 */
function uploadCommand(connection: Connection, file: string, size?: number): Command {
  const whole = size === undefined ? '' : ` && [ $(wc -c <"$d/.${file}") -eq ${size} ]`;
  const take = `mkdir -p "$d" && cat >"$d/.${file}"${whole}`;
  const code = `umask 077; d=${FOLDER}; ${take} || { rm -f "$d/.${file}"; exit 1; }`;
  return sessionCommand(connection, `exec /bin/sh -c '${code}'`);
}

/** Sends a notebook to the host. As a part of a script it would take minutes: a sh reads that byte by byte. @throws Failure */
export async function uploadNotebook(
  { connection, context }: OnHost,
  id: string,
  input: Buffer,
): Promise<void> {
  const command = uploadCommand(connection, id, input.length);
  const result = await whileResponding(connection, context, (watched) =>
    inFreeSession(connection, () =>
      run(command, watched, { input: Readable.from(piecesOf(input, context)) }),
    ),
  );
  verifyUploaded(result, connection);
}

/** The bytes in pieces. Reports how many have been taken, if there are many. */
function* piecesOf(bytes: Buffer, { report }: Context): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += PIECE) {
    if (start > 0) report.sent(start);
    yield bytes.subarray(start, start + PIECE);
  }
}

const PIECE = 100_000;

/** The command that prints an archive of files. A link becomes what it leads to: the host has nothing else of it. */
export function archiveCommand({ folder, names }: { folder: string; names: readonly string[] }): Command {
  return ['tar', '-C', folder, '-chf', '-', '--', ...names];
}

const UNSENT =
  'Nothing was started. All files that --with names must be readable, and no link in them may lead nowhere or in a circle.';

/** Sends files that go with the notebook. @throws Failure */
export async function uploadFiles(
  { connection, context }: OnHost,
  id: string,
  files: { folder: string; names: readonly string[] },
): Promise<void> {
  // Otherwise the tar of macOS adds a file ._NAME for each one that has attributes.
  const env = { ...context.env, COPYFILE_DISABLE: '1' };
  const command = uploadCommand(connection, `${id}.tar`);
  const archive = archiveCommand(files);
  const result = await whileResponding(connection, context, (watched) =>
    inFreeSession(connection, () => runPiped(archive, command, { ...watched, env }, UNSENT)),
  );
  verifyUploaded(result, connection);
}

function verifyUploaded({ code, stderr }: Result, connection: Connection): void {
  if (code === 0) return;
  if (code === 255) throw sessionFailure(connection, stderr, readSshOutput(connection));
  throw new Failure(`cannot write to ${connection.destination}: ${stderr.trim()}`, {
    remedy: 'Check the free disk space and your quota there.',
  });
}
