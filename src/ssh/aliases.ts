import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import SSHConfig, { glob, type Line } from 'ssh-config';
import { shellQuote } from '../system/command.ts';
import { attempt, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { accountHome, withAccountHome } from '../system/paths.ts';
import { absoluteSshConfig, NO_FILE, verifySshConfig } from './config-file.ts';

/** The file that ssh reads after ~/.ssh/config. */
const SYSTEM_FILE = '/etc/ssh/ssh_config';

/**
 * The aliases in an ssh_config (by default those of the user and of the system) and in the files that it includes.
 * @returns also the file to which a new alias can be added
 * @throws UsageError when the given file cannot be read, or a file is not valid
 */
export function knownHosts(sshConfig: string | undefined): { file: string; aliases: string[] } {
  verifySshConfig(sshConfig);
  if (sshConfig === NO_FILE) return { file: sshConfig, aliases: [] };
  const userFolder = join(accountHome(), '.ssh');
  const file = sshConfig === undefined ? join(userFolder, 'config') : absoluteSshConfig(sshConfig);
  const aliases = hostAliases(file, userFolder);
  if (sshConfig === undefined) aliases.push(...hostAliases(SYSTEM_FILE, '/etc/ssh'));
  return { file, aliases: [...new Set(aliases)] };
}

/**
 * The names in an ssh_config that a user can log in to: after Host, and after `host` and `originalhost` of Match, if they
 * are not patterns. None when the file is missing.
 * @param folder a relative Include is below it
 * @throws UsageError when a file is not valid
 */
export function hostAliases(sshConfig: string, folder: string): string[] {
  const mentions = mentionsIn(sshConfig, folder, new Set());
  const hostNames = mentions.filter(({ by }) => by === 'hostname').map(({ name }) => name);
  // Match compares its `host` with the HostName that another section may have set.
  const own = mentions.filter(
    ({ by, name }) => by === 'host' || (by === 'match' && !hostNames.includes(name)),
  );
  return [...new Set(own.map(({ name }) => name))].filter((name) => !UNUSABLE.test(name));
}

/** A pattern, or a name that ssh refuses (`valid_hostname` in ssh.c), or one with other bytes than those of UTF-8. */
const UNUSABLE = /^-|[*?!\s\p{Cc}'"`$\\;&<>|(){}\ufffd]/u;

/** A name in a file: after Host or `originalhost`, after `host` of Match, or after HostName. */
interface Mention {
  readonly by: 'host' | 'match' | 'hostname';
  readonly name: string;
}

/** All names in a file, with those of included files in their place. */
function mentionsIn(file: string, folder: string, seen: Set<string>): Mention[] {
  if (seen.has(file)) return [];
  // A file may include itself.
  seen.add(file);
  const text = attempt(() => (statSync(file).isFile() ? readFileSync(file, 'utf8') : '')) ?? '';
  const read = (line: Line): Mention[] => {
    if (!('param' in line)) return [];
    const words = typeof line.value === 'string' ? [line.value] : line.value.map(({ val }) => val);
    const keyword = line.param.toLowerCase();
    if (keyword === 'hostname') return words.map((name) => ({ by: keyword, name }));
    if (keyword === 'include') {
      const files = words.flatMap((pattern) => matchingPaths(resolve(folder, withAccountHome(pattern))));
      return files.flatMap((path) => mentionsIn(path, folder, seen));
    }
    const criteria = keyword === 'host' ? [{ by: keyword, patterns: words } as const] : namesInMatch(words);
    const own = criteria.flatMap(({ by, patterns }) => patterns.map((name) => ({ by, name })));
    const below = 'config' in line && line.config ? [...line.config].flatMap(read) : [];
    // A file that is included in a section applies only to the names that the section matches.
    const reached = below.filter(
      ({ by, name }) => by === 'hostname' || criteria.every(({ patterns }) => glob([...patterns], name)),
    );
    return [...own, ...reached];
  };
  return [...parseLines(text, file)].flatMap(read);
}

/** A line that names hosts or files, with a value. */
const RELEVANT = /^[ \t]*(?:host|hostname|match|include)[ \t="'][ \t="']*[^ \t="'#]/i;

/**
 * Parses the lines that matter here. The package refuses what ssh accepts: a `\` at the end of any line, and a negated
 * criterion without a value. It does not know single quotes.
 */
function parseLines(text: string, file: string): Iterable<Line> {
  const lines = text.split('\n').filter((line) => RELEVANT.test(line));
  const readable = lines.map((line) =>
    line
      .replace(/[ \t\r\f]+$/, '')
      .replace(/\\+$/, '')
      .replace(/'([^'"]*)'/g, '"$1"')
      .replace(/!(?=(?:all|canonical|final)\b)/gi, ''),
  );
  try {
    return SSHConfig.parse(readable.join('\n'));
  } catch (cause) {
    throw new UsageError(`${file} is not a valid ssh_config: ${reason(cause)}`, {
      remedy: `Fix the line that this command names: ssh -G -F ${shellQuote(file)} any-name`,
      cause,
    });
  }
}

/** The names and patterns after Host, or after one criterion of Match. */
interface Criterion {
  readonly by: 'host' | 'match';
  readonly patterns: readonly string[];
}

/** `host a,b originalhost c`. Any other criterion has a value, too, except `all`, `canonical` and `final`. */
function namesInMatch([criterion = '', value = '', ...others]: readonly string[]): Criterion[] {
  if (criterion === '') return [];
  if (/^(?:all|canonical|final)$/i.test(criterion)) return namesInMatch([value, ...others]);
  const by = new Map([
    ['host', 'match' as const],
    ['originalhost', 'host' as const],
  ]).get(criterion.toLowerCase());
  return [...(by ? [{ by, patterns: value.split(',') }] : []), ...namesInMatch(others)];
}

/**
 * The paths that an absolute pattern matches, sorted, as glob(7) has it: `*`, `?` and `[…]` in any part, `\` before a
 * character that stands for itself. A leading dot needs a dot in the pattern.
 */
function matchingPaths(pattern: string): string[] {
  const parts = pattern.split('/').filter((part) => part !== '');
  return parts
    .reduce((folders: string[], part) => folders.flatMap((folder) => entriesIn(folder, part)), ['/'])
    .sort();
}

function entriesIn(folder: string, part: string): string[] {
  if (!/[*?[]/.test(part)) {
    const path = join(folder, part.replace(/\\(.)/gs, '$1'));
    return attempt(() => lstatSync(path)) ? [path] : [];
  }
  const pattern = attempt(() => new RegExp(`^${expressionOf(part)}$`, 'su'));
  const names = attempt(() => readdirSync(folder)) ?? [];
  return names
    .filter((name) => pattern?.test(name) && (!name.startsWith('.') || part.startsWith('.')))
    .map((name) => join(folder, name));
}

/** A bracket expression with at least one character, an escaped character, or any other one. */
const TOKENS = /\[([!^]?)(\]?[^\]]*)\]|\\(.)|(.)/gsu;

/** The regular expression that matches what one part of a pattern matches. */
function expressionOf(part: string): string {
  const literal = (character: string) => character.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
  return part.replace(TOKENS, (whole, negation: string, set: string, escaped: string, plain: string) => {
    if (set) return `[${negation && '^'}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
    if (plain === '*') return '.*';
    return plain === '?' ? '.' : literal(escaped ?? plain ?? whole);
  });
}
