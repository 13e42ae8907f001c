import { UsageError } from '../system/errors.ts';

/** What a Host of an ssh_config says of a machine; undefined where ssh's own default will do. */
export interface HostBlock {
  readonly alias: string;
  readonly hostName: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly identityFile: string | undefined;
}

/** A word that ssh_config(5) reads as it stands, in any of these places. */
const PLAIN_WORD = /^[^\s\p{Cc}"'#\\%$*?!,=-][^\s\p{Cc}"'#\\%$*?!,=]*$/u;

/** @throws UsageError when ssh would read the answer as something else */
export function verifyHostWord(what: string, word: string): string {
  if (PLAIN_WORD.test(word)) return word;
  throw new UsageError(`"${word}" cannot be ${what} in an ssh_config`, {
    remedy: 'It is one word, without blanks, quotes and the signs that mean something there: * ? ! # % $ , =',
  });
}

/** The lines of the block, without a line's end behind the last. */
export function hostBlockLines({ alias, hostName, user, port, identityFile }: HostBlock): string[] {
  const values = { HostName: hostName, User: user, Port: port, IdentityFile: identityFile };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [`Host ${alias}`, ...given.map(([key, value]) => `  ${key} ${quoted(String(value))}`)];
}

/** ssh_config(5): blanks stand in double quotes, and a % begins a token. */
function quoted(value: string): string {
  const escaped = value.replaceAll('%', '%%');
  return /\s/.test(escaped) ? `"${escaped}"` : escaped;
}

/**
 * The text of an ssh_config with a block more in it; all else stands there to the letter. Of ssh's options the first
 * value counts, so it comes before the first section that may speak of every host: a Match, or a Host with a pattern.
 * What stands in front of all sections speaks of every host, too, and comes first in any case.
 */
export function withHostBlock(text: string, block: HostBlock): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = hostBlockLines(block)
    .map((line) => line + end)
    .join('');
  const at = placeOf(text);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const whole = before === '' || before.endsWith('\n') ? before : before + end;
  const gap = whole === '' || /\n\r?\n$/.test(whole) ? '' : end;
  return `${whole}${gap}${lines}${after === '' ? '' : end}${after}`;
}

const SECTION = /^[ \t]*(?:(match)|host)(?:[ \t]*=[ \t]*|[ \t]+)(.*)$/gim;

function placeOf(text: string): number {
  for (const { index, 1: isMatch, 2: patterns = '' } of text.matchAll(SECTION))
    if (isMatch || /[*?]/.test(patterns)) return index - commentAbove(text.slice(0, index)).length;
  return text.length;
}

/** What stands right above a section, at the left margin, is about it. */
function commentAbove(text: string): string {
  return /(?:(?<![^\n])#[^\n]*\n)*$/.exec(text)?.[0] ?? '';
}
