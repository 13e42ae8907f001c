import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import SSHConfig, { type Line } from 'ssh-config';
import { shellQuote } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { absoluteSshConfig, NO_FILE, verifySshConfig } from './config-file.ts';

/** ssh reads this account's file whatever $HOME says, so this does too. */
function defaultSshConfig(): string {
  return join(userInfo().homedir, '.ssh', 'config');
}

/**
 * The hosts that an ssh_config names, the user's own without a file, each of them a destination.
 * @throws UsageError when the file that is named cannot be read
 */
export function knownHosts(sshConfig: string | undefined): { file: string; aliases: string[] } {
  verifySshConfig(sshConfig);
  if (sshConfig === NO_FILE) return { file: sshConfig, aliases: [] };
  const file = sshConfig === undefined ? defaultSshConfig() : absoluteSshConfig(sshConfig);
  return { file, aliases: hostAliases(file) };
}

/**
 * The aliases that an ssh_config and all that it includes give names to: words behind Host that are no pattern.
 * A file that is not there has none.
 * @throws UsageError when one is broken
 */
export function hostAliases(sshConfig: string): string[] {
  return [...new Set(aliasesIn(sshConfig, dirname(defaultSshConfig()), new Set()))];
}

/** @param seen the files that were read already: a second time they name nothing new, and some include themselves */
function aliasesIn(file: string, sshFolder: string, seen: Set<string>): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return eachLine(parseLines(text, file)).flatMap((line) => {
    if (!('param' in line)) return [];
    const words = wordsOf(line.value);
    if (line.param.toLowerCase() === 'host') return words.filter((word) => !/[*?!]/.test(word));
    if (line.param.toLowerCase() !== 'include') return [];
    return words
      .flatMap((word) => includedFiles(word, sshFolder))
      .flatMap((path) => aliasesIn(path, sshFolder, seen));
  });
}

function parseLines(text: string, file: string): Iterable<Line> {
  try {
    return SSHConfig.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} cannot be read as an ssh_config: ${reason(cause)}`, {
      remedy: `Mend it there; ssh says the line: ssh -G -F ${shellQuote(file)} any-name`,
      cause,
    });
  }
}

function eachLine(lines: Iterable<Line>): Line[] {
  return [...lines].flatMap((line) =>
    'config' in line && line.config ? [line, ...eachLine(line.config)] : [line],
  );
}

function wordsOf(value: string | readonly { val: string }[]): string[] {
  return typeof value === 'string' ? value.split(/\s+/) : value.map(({ val }) => val);
}

/** ssh_config(5): relative names are below ~/.ssh, and the last part may be a pattern. */
function includedFiles(pattern: string, sshFolder: string): string[] {
  const home = pattern.startsWith('~/') ? join(userInfo().homedir, pattern.slice(2)) : pattern;
  const path = isAbsolute(home) ? home : join(sshFolder, home);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!/[*?]/.test(name)) return [path];
  const match = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  );
  try {
    return readdirSync(dirname(path))
      .filter((entry) => match.test(entry) && (!entry.startsWith('.') || name.startsWith('.')))
      .sort()
      .map((entry) => join(dirname(path), entry));
  } catch {
    return [];
  }
}
