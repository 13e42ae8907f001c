import { existsSync } from 'node:fs';
import type { Command } from '../system/command.ts';
import type { Context } from '../system/context.ts';
import { withAccountHome } from '../system/paths.ts';
import { run } from '../system/run.ts';
import { type Connection, configFileArgs, type Host } from './arguments.ts';
import { optionsOf } from './options.ts';

/** The private keys that ssh tries for a host. */
export interface KeyFiles {
  readonly hasAny: boolean;
  /** Where to create one if there is none. */
  readonly next: string;
}

/** Finds the files of the private keys that ssh tries for a host. */
export async function keyFiles(host: Host, context: Context): Promise<KeyFiles> {
  const { options } = await optionsOf(host, context);
  const files = (options.get('identityfile') ?? []).map(withAccountHome);
  const next = files.find((file) => file.endsWith('/id_ed25519')) ?? files[0];
  return {
    hasAny: files.some((file) => existsSync(file)),
    next: next ?? withAccountHome('~/.ssh/id_ed25519'),
  };
}

/** Whether ssh can log in without a question: by an agent, a security token or Kerberos, say. Makes a connection of its own. */
export async function logsInAlone(host: Host, context: Context): Promise<boolean> {
  const own = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ControlPath=none',
    'ClearAllForwardings=yes',
    'RemoteCommand=none',
  ];
  const options = own.flatMap((option) => ['-o', option]);
  const { code } = await run(
    ['ssh', ...configFileArgs(host), '-T', ...options, '--', host.destination, 'true'],
    context,
  );
  // ssh's own exit status; any other is that of the host.
  return code !== 255;
}

/** Creates a key; ssh-keygen asks for its passphrase. */
export function createKeyCommand(file: string): Command {
  return ['ssh-keygen', '-t', 'ed25519', '-f', file];
}

/** Adds the public key of `file` to authorized_keys on the host, over the open connection. */
export function installKeyCommand({ controlPath, destination, ...host }: Connection, file: string): Command {
  const args = ['-i', `${file}.pub`, ...configFileArgs(host), '-o', `ControlPath=${controlPath}`];
  return ['ssh-copy-id', ...args, destination];
}

/** Succeeds if the key has no passphrase. */
export function openKeyCommand(file: string): Command {
  return ['ssh-keygen', '-y', '-P', '', '-f', file];
}
