import { articleLines } from '../article/commands.ts';
import { DEFAULT_PORT, durationText, type ServerSpec } from '../model/server-spec.ts';
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
  const words = isConfigured ? [spec.name] : startWords(spec);
  return {
    forward: `${own} forward ${name}`,
    start: `${own} start ${words.map(shellQuote).join(' ')}`,
    stop: `${own} stop ${name}`,
  };
}

function startWords({
  name,
  destination,
  sshConfig,
  directory,
  setup,
  environment,
  command,
  port,
  localPort,
  socket,
  idleTimeoutS,
}: ServerSpec): string[] {
  const options: readonly (readonly [string, string | undefined])[] = [
    ['name', name],
    ['directory', directory || undefined],
    ...setup.map((line) => ['setup', line] as const),
    ['environment', environment || undefined],
    ['command', command || undefined],
    ['port', port === DEFAULT_PORT ? undefined : String(port)],
    ['local-port', localPort === undefined ? undefined : String(localPort)],
    ['idle-timeout', idleTimeoutS === undefined ? undefined : durationText(idleTimeoutS)],
  ];
  // With `=`, a value that begins with a dash is no option.
  const words = options.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`]));
  const fileArgs = sshConfig === undefined ? [] : ['-F', sshConfig];
  return [destination, ...fileArgs, ...words, ...(socket ? ['--socket'] : [])];
}
