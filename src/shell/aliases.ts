import { articleLines } from '../article/commands.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { optionWords } from '../model/settings.ts';
import { shellQuote } from '../system/command.ts';

/** `alias` lines, the same in bash, zsh and fish. */
export interface AliasOptions {
  /** How this program is called: one or more words. */
  readonly program: readonly string[];
  /** The account on the host: then the aliases are the article's own, and need nothing installed. */
  readonly plainUser: string | undefined;
  /** Behind each name, where there is more than one server. What a server's name holds, an alias may hold. */
  readonly suffix: string;
  /** Whether config.yaml has the server as it is meant: it stays the one place that says what that is. */
  readonly isConfigured: boolean;
}

export function aliasLines(spec: ServerSpec, options: AliasOptions): string[] {
  const { plainUser, suffix } = options;
  const forwardAlias = `port_forward${suffix}`;
  const lines =
    plainUser === undefined ? ownLines(spec, options) : articleLines(spec, plainUser, forwardAlias);
  return [
    alias(forwardAlias, lines.forward),
    alias(`remote_notebook_start${suffix}`, lines.start),
    alias(`remote_notebook_stop${suffix}`, lines.stop),
  ];
}

function alias(name: string, line: string): string {
  const quoted = shellQuote(line);
  return `alias ${name}=${quoted.startsWith("'") ? quoted : `'${quoted}'`}`;
}

function ownLines(
  spec: ServerSpec,
  { program, isConfigured }: AliasOptions,
): { forward: string; start: string; stop: string } {
  const own = program.map(shellQuote).join(' ');
  const name = shellQuote(spec.name);
  const words = isConfigured ? [spec.name] : [spec.destination, `--name=${spec.name}`, ...optionWords(spec)];
  return {
    forward: `${own} forward ${name}`,
    start: `${own} start ${words.map(shellQuote).join(' ')}`,
    stop: `${own} stop ${name}`,
  };
}
