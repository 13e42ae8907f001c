import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import SSHConfig, { type Line } from 'ssh-config';
import { shellQuote } from '../system/command.ts';
import { attempt, UsageError } from '../system/errors.ts';
import { reason } from '../system/files.ts';
import { absoluteSshConfig, NO_FILE, verifySshConfig } from './config-file.ts';

/** ssh uses the account's home folder, whatever $HOME is. */
const sshFolder = () => join(userInfo().homedir, '.ssh');

/**
 * The aliases in an ssh_config (~/.ssh/config by default) and in the files that it includes.
 * @throws UsageError when the given file cannot be read, or a file is not valid
 */
export function knownHosts(sshConfig: string | undefined): { file: string; aliases: string[] } {
  verifySshConfig(sshConfig);
  if (sshConfig === NO_FILE) return { file: sshConfig, aliases: [] };
  const file = sshConfig === undefined ? join(sshFolder(), 'config') : absoluteSshConfig(sshConfig);
  return { file, aliases: hostAliases(file) };
}

/** The words after Host that are not patterns; none when the file is missing. @throws UsageError when it is not valid */
export function hostAliases(sshConfig: string): string[] {
  return [...new Set(aliasesIn(sshConfig, new Set()))];
}

/** @param seen the files that were read already: a file may include itself */
function aliasesIn(file: string, seen: Set<string>): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = attempt(() => readFileSync(file, 'utf8')) ?? '';
  return eachLine(parseLines(text, file)).flatMap((line) => {
    if (!('param' in line)) return [];
    const words = typeof line.value === 'string' ? line.value.split(/\s+/) : line.value.map(({ val }) => val);
    if (line.param.toLowerCase() === 'host') return words.filter((word) => !/[*?!]/.test(word));
    if (line.param.toLowerCase() !== 'include') return [];
    return words.flatMap(includedFiles).flatMap((path) => aliasesIn(path, seen));
  });
}

function parseLines(text: string, file: string): Iterable<Line> {
  try {
    return SSHConfig.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} is not a valid ssh_config: ${reason(cause)}`, {
      remedy: `Fix the line that this command names: ssh -G -F ${shellQuote(file)} any-name`,
      cause,
    });
  }
}

function eachLine(lines: Iterable<Line>): Line[] {
  return [...lines].flatMap((line) =>
    'config' in line && line.config ? [line, ...eachLine(line.config)] : [line],
  );
}

/** ssh_config(5): a relative path is below ~/.ssh, and its last part may be a pattern. */
function includedFiles(pattern: string): string[] {
  const absolute = resolve(sshFolder(), pattern.replace(/^~(?=\/)/, userInfo().homedir));
  const [folder, name] = [dirname(absolute), basename(absolute)];
  if (!/[*?]/.test(name)) return [absolute];
  const escaped = name.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const match = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const entries = attempt(() => readdirSync(folder)) ?? [];
  return entries
    .filter((entry) => match.test(entry) && (!entry.startsWith('.') || name.startsWith('.')))
    .sort()
    .map((entry) => join(folder, entry));
}
