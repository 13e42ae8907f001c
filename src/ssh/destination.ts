import { UsageError } from '../system/errors.ts';

/** A destination, parsed as ssh(1) does. */
export interface Destination {
  /** As the user wrote it, and as ssh gets it. */
  readonly text: string;
  readonly user: string | undefined;
  readonly host: string;
}

const URI = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/;

/**
 * Reads an alias, `user@host` or `ssh://user@host:port`.
 * @throws UsageError for text that ssh would read differently, and for a password, which is never repeated
 */
export function parseDestination(text: string): Destination {
  verifyNoPassword(text);
  if (text.startsWith('-')) {
    throw new UsageError(`the destination "${text}" begins with a dash, so ssh would read it as an option`, {
      remedy: 'Add a Host to your ~/.ssh/config with this name as its HostName, and use that Host.',
    });
  }
  if (text === '' || /[\s\p{Cc}]/u.test(text)) {
    throw new UsageError(`the destination ${JSON.stringify(text)} is empty or contains a space`, {
      remedy: 'Use a Host of your ~/.ssh/config, user@host, or ssh://user@host:port.',
    });
  }
  return text.startsWith('ssh://') ? parseUri(text) : parseShort(text);
}

/** @throws UsageError for `user:password@host`, without repeating it */
export function verifyNoPassword(text: string): void {
  const [, user = ''] = /^(?:\w+:\/\/)?(.*)@/s.exec(text) ?? [];
  if (!user.includes(':')) return;
  throw new UsageError(
    'a destination cannot contain a password: other users could read it in the process list',
    { remedy: 'Use user@host; ssh asks for the password. To log in with a key: ssh-copy-id user@host' },
  );
}

function parseUri(text: string): Destination {
  const [, user, host, port] = text.match(URI) ?? [];
  if (!host || host.startsWith('-') || (port !== undefined && (Number(port) < 1 || Number(port) > 65535)))
    throw new UsageError(`"${text}" is not an ssh address`, { remedy: 'Write ssh://user@host:port' });
  return { text, user: user || undefined, host: host.replace(/^\[|\]$/g, '') };
}

function parseShort(text: string): Destination {
  const at = text.lastIndexOf('@');
  const host = text.slice(at + 1);
  if (host === '' || at === 0)
    throw new UsageError(`missing user or host in "${text}"`, { remedy: 'Write user@host.' });
  if (/^[^:]+:\d*$/.test(host)) {
    throw new UsageError(`ssh would take "${host}" as the name of the host, with the port in it`, {
      remedy: `Write ssh://${text}`,
    });
  }
  return { text, user: at > 0 ? text.slice(0, at) : undefined, host };
}
