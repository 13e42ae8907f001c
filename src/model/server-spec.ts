import { parseDestination, verifyNoPassword } from '../ssh/destination.ts';
import { UsageError } from '../system/errors.ts';
import { type ServerSettings, type SettledSettings, settled } from './settings.ts';

/** A server as config.yaml describes it under its name. */
export interface ServerEntry extends ServerSettings {
  readonly destination: string;
}

/** The server that the user wants, and where. */
export interface ServerSpec extends SettledSettings {
  readonly name: string;
  readonly destination: string;
}

const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,63}$/u;

/** @throws UsageError when any part is not valid */
export function makeSpec(name: string, entry: ServerEntry): ServerSpec {
  const { destination } = entry;
  parseDestination(destination);
  return { name: verifyName(name), destination, ...settled(entry) };
}

/** The name of a server without one: its host's. */
export function defaultName(destination: string): string {
  const name = parseDestination(destination).host.replace(/[^\p{L}\p{N}._-]/gu, '-');
  return name.replace(/^[.-]+/, '').slice(0, 64) || 'notebook';
}

function verifyName(name: string): string {
  if (!NAME.test(name)) {
    verifyNoPassword(name);
    throw new UsageError(`"${name}" cannot be a server's name`, {
      remedy: 'Use up to 64 letters, digits, dots, dashes and underscores, without a leading dot or dash.',
    });
  }
  // Names are keys of objects, which already have some of their own, such as `constructor`.
  if (name in {})
    throw new UsageError(`"${name}" is a reserved name`, { remedy: 'Set another one with --name.' });
  return name;
}
