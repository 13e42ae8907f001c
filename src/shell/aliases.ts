import type { ServerSpec } from '../model/server-spec.ts';
import { settingArgs } from '../model/settings.ts';
import { type Command, commandLine, singleQuoted } from '../system/command.ts';

/** The command lines of a server's three aliases. */
type AliasTexts = Readonly<Record<'forward' | 'start' | 'stop', string>>;

/**
 * `alias` lines for bash, zsh and fish.
 * @param suffix follows each name if there are several servers. A server's name is always valid in an alias
 */
export function aliasLines({ forward, start, stop }: AliasTexts, suffix: string): string[] {
  const texts = { port_forward: forward, remote_notebook_start: start, remote_notebook_stop: stop };
  return Object.entries(texts).map(([name, text]) => `alias ${name}${suffix}=${singleQuoted(text)}`);
}

/**
 * Aliases for this program.
 * @param program the command that runs it
 * @param isConfigured whether config.yaml contains the server with these settings; then its name is enough
 */
export function ownLines(spec: ServerSpec, program: Command, isConfigured: boolean): AliasTexts {
  const { name, destination } = spec;
  const line = (...args: string[]) => commandLine([...program, ...args]);
  const target = isConfigured ? [name] : [destination, `--name=${name}`, ...settingArgs(spec)];
  return { forward: line('forward', name), start: line('start', ...target), stop: line('stop', name) };
}
