import type { Context } from '../../system/context.ts';
import type { Host } from '../arguments.ts';
import { type Options, optionsOf } from '../options.ts';
import { DENIED, isByProxy } from './cause.ts';
import { type Clues, greetingClue, keyClues, NO_CLUES } from './clues.ts';
import { formerKeyClue } from './host-key.ts';
import { type SshFailure, sshCause, sshFailure } from './messages.ts';

/** What `run` reports; the shell that runs ssh has its own words. */
const SSH_MISSING = 'ssh is not installed on this machine, or not on its PATH';

/**
 * The failure of a connection, with the remedy for its cause: where ssh's output alone does not decide, this machine's
 * keys, its agent and the host's port are looked at.
 * @param output all that ssh and its proxy printed in this round
 */
export async function connectionFailure(host: Host, output: string, context: Context): Promise<SshFailure> {
  if (sshCause(output) === 'ssh-missing') return sshFailure(host, SSH_MISSING);
  const { options } = await optionsOf(host, context);
  if (!isByProxy(output)) return sshFailure(host, output, { clues: await cluesTo(output, options, context) });
  const jump = await failedJump(host, options, output, context);
  const clues = await cluesTo(output, jump?.options ?? new Map(), context);
  return sshFailure(host, output, { clues, jump: jump?.destination });
}

async function cluesTo(output: string, options: Options, context: Context): Promise<Clues> {
  const cause = sshCause(output);
  if (cause === 'host-key-changed') return formerKeyClue(output, context);
  if (options.size === 0) return NO_CLUES;
  if (DENIED.test(output)) return keyClues(options, context);
  return cause === 'turned-away' ? greetingClue(options, context) : NO_CLUES;
}

/** The jump host that ended the connection: the one that ssh's output names, else the first on the way. */
async function failedJump(
  host: Host,
  options: Options,
  output: string,
  context: Context,
): Promise<{ destination: string; options: Options } | undefined> {
  const [setting = 'none'] = options.get('proxyjump') ?? [];
  if (setting === 'none') return undefined;
  const jumps = await Promise.all(
    setting.split(',').map(async (hop) => {
      const destination = /^[^/]*:\d+$/.test(hop) ? `ssh://${hop}` : hop;
      return { ...(await optionsOf({ ...host, destination }, context)), destination };
    }),
  );
  return jumps.find(({ options }) => output.includes(options.get('hostname')?.[0] ?? '\n')) ?? jumps[0];
}
