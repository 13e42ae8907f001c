import { readFileSync } from 'node:fs';
import { commandLine } from '../../system/command.ts';
import type { Context } from '../../system/context.ts';
import { attempt } from '../../system/errors.ts';
import { run } from '../../system/run.ts';
import type { Trouble } from './cause.ts';
import type { Clues } from './clues.ts';

/** Where ssh's output says that the key is which a host has shown before: a line of a known_hosts file. */
function formerKeyIn(output: string): { file: string; line: number } | undefined {
  const [, file, line] = /Offending \S+ key in (.+):(\d+)/.exec(output) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}

/** Computes the fingerprint of the key that a host has shown before: ssh prints only that of the new one. */
export async function formerKeyClue(output: string, context: Context): Promise<Clues> {
  const former = formerKeyIn(output);
  const text = attempt(() => former && readFileSync(former.file, 'utf8').split('\n')[former.line - 1]);
  if (!text) return { keys: [] };
  // ssh-keygen(1): it also reads lines of known_hosts, hashed or not.
  const { stdout } = await run(['ssh-keygen', '-l', '-f', '-'], context, { input: `${text}\n` });
  return { keys: [], formerKey: /^\d+ (\S+)/.exec(stdout)?.[1] };
}

/** What the user can do about a changed host key. Only the user removes the old one. */
export function changedKeyRemedy({ output, destination, clues }: Trouble): string {
  const former = formerKeyIn(output);
  const [, type, key] = /fingerprint for the (\S+) key sent by.*\s+(\S+?)\.?\s*$/m.exec(output) ?? [];
  // The name in known_hosts: HostKeyAlias, or [host]:port.
  const [, name] = /Host key for (\S+) has changed/.exec(output) ?? [];
  const now = key ? `${key} (${type})` : 'another host key';
  const place = former ? `line ${former.line} of ${former.file}` : 'in known_hosts';
  const removal = name && former ? `: ${commandLine(['ssh-keygen', '-R', name, '-f', former.file])}` : '';
  return `${destination} shows ${now} instead of ${clues.formerKey ?? 'the key'} (${place}). Somebody may be intercepting the connection: ask the administrator. Only if you know that the machine was reinstalled or replaced, remove the old key${removal}`;
}
