import { parseDestination, verifyNoPassword } from '../ssh/destination.ts';
import { UsageError } from '../system/errors.ts';
import { type ServerSettings, type SettledSettings, settled } from './settings.ts';

/** What is said of a server under its name. */
export interface ServerEntry extends ServerSettings {
  readonly destination: string;
}

/** What the user wants to run, and where. */
export interface ServerSpec extends SettledSettings {
  readonly name: string;
  readonly destination: string;
}

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,63}$/u;

/** @throws UsageError when any part cannot be used as it is */
export function makeSpec(name: string, entry: ServerEntry): ServerSpec {
  const { destination } = entry;
  parseDestination(destination);
  return { name: verifyName(name), destination, ...settled(entry) };
}

/** The name of a server that was given none: its host's. */
export function defaultName(destination: string): string {
  const { host } = parseDestination(destination);
  return (
    host
      .replace(/[^\p{L}\p{N}._-]/gu, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 64) || 'notebook'
  );
}

function verifyName(name: string): string {
  // The names of servers are keys of objects, which have some of their own.
  if (NAME.test(name) && !(name in {})) return name;
  verifyNoPassword(name);
  if (NAME.test(name)) {
    throw new UsageError(`"${name}" cannot be a server's name: it means something to JavaScript`, {
      remedy: 'Give it another with --name.',
    });
  }
  throw new UsageError(`"${name}" cannot be a server's name`, {
    remedy:
      'A name has letters, digits, dots, dashes and underscores, at most 64, and begins with none of . and -',
  });
}
