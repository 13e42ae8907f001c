import type { Clues } from './clues.ts';

/** The step between this machine and a server at which a cause shows, by its name in doctor. */
export type Step = 'ssh' | 'ssh_config' | 'name' | 'reach' | 'host key' | 'authentication' | 'forwarding';

/** One reason of a failed connection: how it is recognized, and what the user can do. */
export interface CauseRow {
  readonly cause: string;
  readonly step: Step;
  /** Matches one line of the output of ssh or of its proxy. */
  readonly words: RegExp;
  /** What else must hold. */
  readonly when?: (trouble: Trouble) => boolean;
  readonly remedy: (trouble: Trouble) => string | undefined;
}

/** A failed connection, as the remedies need it. */
export interface Trouble {
  /** What `words` captures, by number. */
  readonly found: readonly (string | undefined)[];
  /** All that ssh and its proxy printed in this round. */
  readonly output: string;
  /** The machine that is in trouble: the destination, or a jump host on the way. */
  readonly destination: string;
  /** The ssh_config in use. */
  readonly file: string;
  /** The ssh command by which the user can try that machine. */
  readonly command: string;
  readonly clues: Clues;
}

/** The last line of a login that was refused. */
export const DENIED =
  /Permission denied \((.*)\)|Too many authentication failures|No more authentication methods/;

export const isDenied = ({ output }: Trouble): boolean => DENIED.test(output);

/** Whether the proxy of this connection ended it: a jump host, or another ProxyCommand. */
export function isByProxy(output: string): boolean {
  return /UNKNOWN port 65535/.test(output);
}
