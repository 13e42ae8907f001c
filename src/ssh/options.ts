import type { Context } from '../system/context.ts';
import { run } from '../system/run.ts';
import { type Host, resolveCommand } from './arguments.ts';

/** The values of each option, in the order in which `ssh -G` prints them. */
export type Options = ReadonlyMap<string, readonly string[]>;

/**
 * The options that ssh uses for a destination. Does not connect.
 * @returns no options, and what ssh printed as `mistake`, when the ssh_config is not valid
 */
export async function optionsOf(
  host: Host,
  context: Context,
): Promise<{ options: Options; mistake: string | undefined }> {
  const { code, stdout, stderr } = await run(resolveCommand(host), context);
  const options = new Map<string, string[]>();
  for (const [, name = '', value = ''] of stdout.matchAll(/^(\S+) (.*)$/gm))
    options.set(name, [...(options.get(name) ?? []), value]);
  return { options, mistake: code === 0 ? undefined : stderr };
}
