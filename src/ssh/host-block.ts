import { UsageError } from '../system/errors.ts';

/** A Host section of an ssh_config; undefined where ssh's own default is right. */
export interface HostBlock {
  readonly alias: string;
  readonly hostName: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly identityFile: string | undefined;
}

/** A word without special meaning in ssh_config(5). */
const PLAIN_WORD = /^[^\s\p{Cc}"'#\\%$*?!,=-][^\s\p{Cc}"'#\\%$*?!,=]*$/u;

/** @throws UsageError when ssh would read the word as something else */
export function verifyHostWord(what: string, word: string): string {
  if (PLAIN_WORD.test(word)) return word;
  throw new UsageError(`"${word}" cannot be ${what} in an ssh_config`, {
    remedy: 'Use one word without spaces, quotes or any of * ? ! # \\ % $ , = and without a leading dash.',
  });
}

/** The lines of the section, without line ends. */
export function hostBlockLines({ alias, hostName, user, port, identityFile }: HostBlock): string[] {
  const values = { HostName: hostName, User: user, Port: port, IdentityFile: identityFile };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [`Host ${alias}`, ...given.map(([key, value]) => `  ${key} ${quoted(String(value))}`)];
}

/** ssh_config(5): a value with spaces needs double quotes, and a % begins a token. */
function quoted(value: string): string {
  const escaped = value.replaceAll('%', '%%');
  return /\s/.test(escaped) ? `"${escaped}"` : escaped;
}

/**
 * Adds a Host section to the text of an ssh_config and changes nothing else. ssh uses the first value of each option, so
 * the section goes before the first one that may apply to every host: a Match, or a Host with a pattern.
 */
export function withHostBlock(text: string, block: HostBlock): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = hostBlockLines(block).join(end) + end;
  const at = positionIn(text);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const whole = before === '' || before.endsWith('\n') ? before : before + end;
  const gap = whole === '' || /\n\r?\n$/.test(whole) ? '' : end;
  return `${whole}${gap}${lines}${after === '' ? '' : end}${after}`;
}

/** The comment lines directly above a section, and its first line. */
const SECTION = /(?:^#[^\n]*\n)*^[ \t]*(?:(match)|host)(?:[ \t]*=[ \t]*|[ \t]+)(.*)$/gim;

function positionIn(text: string): number {
  for (const { index, 1: isMatch, 2: patterns = '' } of text.matchAll(SECTION))
    if (isMatch || /[*?]/.test(patterns)) return index;
  return text.length;
}
