import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Connection } from '../ssh/arguments.ts';
import { attempt } from '../system/errors.ts';

/** The number of events of a connection that are kept. */
const KEPT = 50;

/** Something that happened to a connection. */
export interface ConnectionEvent {
  /** ISO 8601, in UTC. */
  readonly at: string;
  /** In a few words, with what ssh printed. */
  readonly what: string;
}

/** The file of a connection's events. It stays when the connection is closed, since a report is wanted after a failure. */
function eventsFile({ folder }: Pick<Connection, 'folder'>): string {
  return join(dirname(dirname(folder)), `events-${basename(folder)}.log`);
}

/** The name of such a file. */
export const EVENTS_FILE = /^events-\w+\.log$/;

/** The last events of a connection, the oldest first; none if it was never opened. Each is a line: seconds since 1970, its kind, and the rest. */
export function readEvents(connection: Pick<Connection, 'folder'>): ConnectionEvent[] {
  const text = attempt(() => readFileSync(eventsFile(connection), 'utf8')) ?? '';
  const events = text.split('\n').flatMap((line) => {
    const [, seconds, kind = '', rest = ''] = /^(\d{1,11}) (\w+) ?(.*)$/.exec(line) ?? [];
    if (seconds === undefined || !Object.hasOwn(DESCRIPTIONS, kind)) return [];
    const what = DESCRIPTIONS[kind as keyof typeof DESCRIPTIONS](rest.trim());
    return [{ at: new Date(Number(seconds) * 1000).toISOString(), what }];
  });
  return events.slice(-KEPT);
}

const DESCRIPTIONS = {
  connected: (forwards: string) => (forwards === '' ? 'connected' : `connected; forwards: ${forwards}`),
  pause: (rest: string) => {
    const [tries, seconds] = rest.split(' ');
    return `waiting ${seconds} s before try ${tries}`;
  },
  ended: () => 'closed by a command',
  closed: (rest: string) => {
    const [, verdict = '', since, message] = /^(\S+) (\S+) ?(.*)$/.exec(rest) ?? [];
    const what = since === '-' ? (GIVEN_UP[verdict] ?? 'not connected') : 'lost';
    return `${what}: ${message}`;
  },
} as const;

/** For the verdicts after which the keeper does not try again. */
const GIVEN_UP: Readonly<Record<string, string>> = {
  'needs-login': 'gave up, because ssh needs an answer from the user',
  failed: 'gave up',
};

/** Writes the events of a connection to a file that outlives the keeper. */
export class EventLog {
  readonly #file: string;
  /** Number of lines since the file was last made shorter. */
  #added = 0;

  constructor(connection: Pick<Connection, 'folder'>) {
    this.#file = eventsFile(connection);
  }

  add(kind: 'connected' | 'closed' | 'pause' | 'ended', text: string): void {
    const line = `${Math.floor(Date.now() / 1000)} ${kind} ${text.replace(/\s+/g, ' ')}`.trim();
    attempt(() => {
      appendFileSync(this.#file, `${line}\n`, { mode: 0o600 });
      if (++this.#added < KEPT) return;
      this.#added = 0;
      const lines = readFileSync(this.#file, 'utf8').split('\n');
      writeFileSync(this.#file, lines.slice(-KEPT - 1).join('\n'), { mode: 0o600 });
    });
  }
}
