import type { ServerSpec } from '../model/server-spec.ts';
import { settingArgs } from '../model/settings.ts';
import { shellQuote } from '../system/command.ts';

/** What the three aliases of a server run. */
interface AliasTexts {
  readonly forward: string;
  readonly start: string;
  readonly stop: string;
}

/**
 * `alias` lines, the same in bash, zsh and fish.
 * @param suffix behind each name, where there is more than one server. What a server's name holds, an alias may hold
 */
export function aliasLines({ forward, start, stop }: AliasTexts, suffix: string): string[] {
  const texts = { port_forward: forward, remote_notebook_start: start, remote_notebook_stop: stop };
  return Object.entries(texts).map(([name, text]) => {
    const quoted = shellQuote(text);
    return `alias ${name}${suffix}=${quoted.startsWith("'") ? quoted : `'${quoted}'`}`;
  });
}

/**
 * Command lines of this program.
 * @param program how it is called: one or more words
 * @param isConfigured whether config.yaml has the server as it is meant: it stays the one place that says what that is
 */
export function ownLines(spec: ServerSpec, program: readonly string[], isConfigured: boolean): AliasTexts {
  const line = (...words: string[]) => [...program, ...words].map(shellQuote).join(' ');
  const { name, destination } = spec;
  const words = isConfigured ? [name] : [destination, `--name=${name}`, ...settingArgs(spec)];
  return { forward: line('forward', name), start: line('start', ...words), stop: line('stop', name) };
}
