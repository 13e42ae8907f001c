import { parseDestination, verifyNoPassword } from '../ssh/destination.ts';
import type { Command } from '../system/command.ts';
import { UsageError } from '../system/errors.ts';
import { onlyForJobs, type ServerSettings, type SettledSettings, settingArgs, settled } from './settings.ts';

/** The settings that a user gives with a name. */
export interface GivenSettings extends ServerSettings {
  readonly name?: string | undefined;
  /** The name of a set of settings of a batch job in config.yaml. */
  readonly job?: string | undefined;
}

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
  const settings = settled(entry);
  if (settings.strictPort && settings.port === undefined && settings.localPort === undefined)
    throw new UsageError('--strict-port has no effect, because neither port is set', {
      remedy: 'Set one with --port or --local-port, or omit --strict-port.',
    });
  const ofJobs = settings.launcher === 'direct' ? onlyForJobs(settings) : undefined;
  if (ofJobs !== undefined)
    throw new UsageError(`--${ofJobs} applies only to a server in a batch job`, {
      remedy: 'Add --launcher with the scheduler of the cluster, or omit this option.',
    });
  return { name: verifyName(name), destination, ...settings };
}

/** The name of a server without one: its host's. */
export function defaultName(destination: string): string {
  return nameFrom(parseDestination(destination).host);
}

/** A name for a server that resembles any text, such as that of a folder. */
export function nameFrom(text: string): string {
  const name = text.replace(/[^\p{L}\p{N}._-]/gu, '-');
  return name.replace(/^[.-]+/, '').slice(0, 64) || 'notebook';
}

/** The command that starts this server, whether it is saved or not. */
export function startCommand(spec: ServerSpec): Command {
  const { name, destination } = spec;
  const named = name === defaultName(destination) ? [] : [`--name=${name}`];
  return ['remote-notebook', 'start', destination, ...settingArgs(spec), ...named];
}

/** Whether this can be the name of a server or a run: no shell, file system or terminal gives any character of it a meaning. */
export function isName(name: string): boolean {
  return NAME.test(name) && !isReservedName(name);
}

/** Whether objects have a property of this name anyway, such as `constructor`, or valibot would drop it. */
export function isReservedName(name: string): boolean {
  return name in {} || name === 'prototype';
}

/** @param owner what has the name */
export function verifyName(name: string, owner: 'server' | 'run' = 'server'): string {
  if (!NAME.test(name)) {
    verifyNoPassword(name);
    throw new UsageError(`"${name}" cannot be a ${owner}'s name`, {
      remedy: 'Use up to 64 letters, digits, dots, dashes and underscores, without a leading dot or dash.',
    });
  }
  if (isReservedName(name))
    throw new UsageError(`"${name}" is a reserved name`, { remedy: 'Set another one with --name.' });
  return name;
}
