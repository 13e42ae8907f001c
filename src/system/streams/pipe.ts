import { once } from 'node:events';
import { Transform } from 'node:stream';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { Failure } from '../errors.ts';
import { type Result, run, startChild } from '../run.ts';

/** Maximum number of characters of the messages of a command that fails. */
const MAX_MESSAGES = 2000;

/**
 * Runs a command whose standard input is the output of another one. Returns the result of the second one. Reports how much has
 * gone from one to the other.
 * @param remedy what to do if the first one fails
 * @throws Failure when the first one fails or cannot be started, although the second one did not fail
 */
export async function runPiped(
  source: Command,
  command: Command,
  context: Context,
  remedy?: string,
): Promise<Result> {
  context.report.command(source);
  const producer = startChild(source, context.env, 'pipe');
  const ended = once(producer, 'close');
  ended.catch(() => {});
  producer.stdin?.end();
  let messages = '';
  producer.stderr?.on('data', (text: Buffer) => {
    messages = `${messages}${text}`.slice(0, MAX_MESSAGES);
  });
  const input = producer.stdout?.pipe(counted(context));
  const result = await run(command, context, { ...(input && { input }) }).finally(() => {
    // A command that has ended early has not read all of it.
    if (!producer.stdout?.readableEnded) producer.kill();
  });
  if (result.code !== 0) return result;
  const [code] = await ended.catch(() => [undefined]);
  if (code !== 0)
    throw new Failure(`${source[0]} failed: ${messages.trim() || 'it cannot be started'}`, { remedy });
  return result;
}

/** Passes bytes on unchanged. */
function counted({ report }: Context): Transform {
  let sent = 0;
  return new Transform({
    transform(piece: Buffer, _, done) {
      sent += piece.length;
      report.sent(sent);
      done(null, piece);
    },
  });
}
