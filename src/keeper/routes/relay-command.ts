import type { RelayPlace } from '../../model/relay-place.ts';
import { singleQuoted } from '../../system/command.ts';
import type { Link } from '../links/link.ts';

/** Timeout for the start of a relay. */
const START_TIMEOUT_MS = 60_000;

/** What shows that there is no relay: its own message, or that of a Python whose program was removed with it. */
export const NO_RELAY = /no relay is running|can't open file/;

/**
 * The command on its host that starts the relay, unless it is running, or whose standard input and output become a carrier
 * (`join`).
 * @param before the words that run it in a job
 */
export function relayCommand(
  place: RelayPlace,
  verb: 'start' | 'join',
  before: readonly string[] = [],
): string {
  const { python, script, record, socket } = place;
  const places = verb === 'start' ? [record, socket] : [socket];
  return `exec ${[...before, python, '-I', script, verb, ...places].map(singleQuoted).join(' ')}`;
}

/** Starts the relay, which has ended or was killed, and waits until its command has ended. */
export async function startRelay(link: Link, place: RelayPlace): Promise<void> {
  const child = await link.run(relayCommand(place, 'start'));
  child.stdin?.end();
  child.stdout?.resume();
  child.stderr?.resume();
  const timer = setTimeout(() => child.kill(), START_TIMEOUT_MS);
  child.once('error', () => {});
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
}
