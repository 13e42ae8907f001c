import { UsageError } from '../system/errors.ts';

/** What ssh takes to name a machine, read as ssh(1) reads it. */
export interface Destination {
  /** As the user wrote it, and as ssh gets it. */
  readonly text: string;
  readonly user: string | undefined;
  readonly host: string;
}

const URI = /^ssh:\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/;

/**
 * Reads an alias, `user@host` or `ssh://user@host:port`.
 * @throws UsageError for what ssh could take for something else, and for a password, which is never repeated.
 */
export function parseDestination(text: string): Destination {
  verifyNoPassword(text);
  if (text.startsWith('-')) {
    throw new UsageError(`the destination "${text}" begins with a dash, which ssh would take for an option`, {
      remedy: 'Give it a Host of its own in your ~/.ssh/config, with the true name as HostName.',
    });
  }
  if (text === '' || /[\s\p{Cc}]/u.test(text)) {
    throw new UsageError(`the destination ${JSON.stringify(text)} is empty or holds a blank`, {
      remedy: 'Name an alias of your ~/.ssh/config, user@host, or ssh://user@host:port.',
    });
  }
  return text.startsWith('ssh://') ? parseUri(text) : parseShort(text);
}

/** @throws UsageError for `user:password@host`, wherever a destination or a name may stand; it is not repeated. */
export function verifyNoPassword(text: string): void {
  const [, user = ''] = /^(?:\w+:\/\/)?(.*)@/s.exec(text) ?? [];
  if (!user.includes(':')) return;
  throw new UsageError(
    'a password cannot be part of a destination: others can read it in the list of processes',
    {
      remedy: 'Name user@host alone. ssh asks for the password, and needs none after: ssh-copy-id user@host',
    },
  );
}

function parseUri(text: string): Destination {
  const [, user, host, port] = text.match(URI) ?? [];
  if (!host || (port !== undefined && (Number(port) < 1 || Number(port) > 65535))) {
    throw new UsageError(`"${text}" is no ssh address`, { remedy: 'Write ssh://user@host:port' });
  }
  return { text, user: user || undefined, host: host.replace(/^\[|\]$/g, '') };
}

function parseShort(text: string): Destination {
  const at = text.lastIndexOf('@');
  const host = text.slice(at + 1);
  if (host === '' || at === 0)
    throw new UsageError(`"${text}" lacks a user or a host`, { remedy: 'Write user@host.' });
  if (/^[^:]+:\d*$/.test(host)) {
    throw new UsageError(`ssh would take "${host}" for the name of a host, its port too`, {
      remedy: `Write ssh://${text}`,
    });
  }
  return { text, user: at > 0 ? text.slice(0, at) : undefined, host };
}
