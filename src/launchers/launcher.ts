import type { JobStatus } from '../model/job.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Partition } from '../model/site.ts';
import type { Command } from '../system/command.ts';

/** What a scheduler's word means. */
export interface Meaning {
  /** For people, as the end of "the job … waits: " or "the job …". */
  readonly text: string;
  /** Whether it never changes by itself: then the user has to do something. */
  readonly isFinal: boolean;
  /** What to do. */
  readonly remedy?: string;
  /** Who has ended a job, if it has not ended by itself. */
  readonly endedBy?: 'user' | 'scheduler';
}

/** A batch scheduler: its command lines, which are values, and its words. Its part of the scripts has the same name. */
export interface Launcher {
  /** Its name for people. */
  readonly title: string;
  /** The shell code, for the login node, that submits the script on its standard input: see `submission`. It prints the ID of the job. */
  submitLine(spec: ServerSpec): string;
  /** The same, but the scheduler only says whether it would accept such a job. */
  rehearseLine(spec: ServerSpec): string;
  /**
   * The words before a command that is to run in a job, on the login node: its standard input and output are those of
   * the command, or a terminal on the node. Undefined for a scheduler without such a command.
   */
  within(id: string, hasTerminal?: boolean): Command | undefined;
  /** Whether what such a command has printed shows that the job has ended. */
  isOver(printed: string): boolean;
  /**
   * Reads what the script's part prints about a job.
   * @param now the time to which its durations refer; in milliseconds since 1970
   */
  status(line: string, now: number): JobStatus;
  /** Reads a line in which the script's part prints a partition; undefined for a line that it does not know. */
  partition(line: string): Partition | undefined;
  /** The meaning of the reason for which a job waits. */
  waiting(reason: string): Meaning;
  /** The meaning of the state in which a job has ended. */
  ended(reason: string): Meaning;
  /** What to do about the words with which it refused a job. */
  refusal(words: string): string;
}

/**
 * Shell code that submits the script which a job begins with. The rest is in a file that only the user can read, because
 * others, or the administrators, may see what a scheduler gets.
 * @param line the command, in which $folder is the folder of the server's record, and $quoted the same for a shell
 */
export function submission(line: string): string {
  return `${line} <<END\n#!/bin/sh\nexec /bin/sh $quoted/job.sh $quoted\nEND`;
}

/** Returns the remedy of the first pattern that matches. */
export function remedyFor(
  words: string,
  table: readonly (readonly [RegExp, string])[],
  otherwise: string,
): string {
  return table.find(([pattern]) => pattern.test(words))?.[1] ?? otherwise;
}

/** Returns the meaning of the first pattern that matches, or the word itself. */
export function meaningOf(word: string, table: readonly (readonly [RegExp, Meaning])[]): Meaning {
  return table.find(([pattern]) => pattern.test(word))?.[1] ?? { text: word, isFinal: false };
}
