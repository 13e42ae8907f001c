import { readFileSync } from 'node:fs';
import { assetPath } from '../system/asset.ts';
import { singleQuoted } from '../system/command.ts';

type ScriptName =
  | 'launch'
  | 'look'
  | 'stop'
  | 'logs'
  | 'servers'
  | 'doctor'
  | 'adopt'
  | 'resources'
  | 'environments';

/** A sh script for the host, with the values of its variables: see the head of each .sh file. */
export interface Script {
  readonly name: ScriptName;
  readonly variables: Readonly<Record<string, string>>;
}

/** The parts that one of them has in files of their own, besides what all share. */
const PARTS: Readonly<Partial<Record<ScriptName, readonly string[]>>> = {
  launch: ['environment', 'jupyter'],
  doctor: ['environment', 'jupyter'],
  environments: ['environment', 'jupyter'],
  servers: ['runtime'],
};

/** One line of a script's answer. */
export interface Frame {
  readonly key: string;
  readonly value: string;
}

const FRAME = /^@remote-notebook (\S+) ?(.*)$/;

/** The frame in a line of output, or undefined: start-up files of the login shell print there, too. */
export function parseFrame(line: string): Frame | undefined {
  const [, key, value] = FRAME.exec(line) ?? [];
  return key === undefined || value === undefined ? undefined : { key, value };
}

/** Frames that logs.sh sends while a log is printed, perhaps when only half a line of it is written. */
const IN_MID_LINE = /^(.*)@remote-notebook (alive|ended)$/;

/** Tells the frames of a script's output, line by line, from the text around them. Signs of life are neither. */
export function outputReader(
  onFrame: (frame: Frame) => void,
  onText: (line: string) => void,
): (line: string) => void {
  let begun = '';
  return (piece) => {
    const [, before, key] = IN_MID_LINE.exec(piece) ?? [];
    if (before === undefined || key === undefined) {
      const line = begun + piece;
      begun = '';
      const frame = parseFrame(line);
      if (frame) onFrame(frame);
      else onText(line);
      return;
    }
    begun += before;
    if (key === 'alive') return;
    if (begun !== '') onText(begun);
    begun = '';
    onFrame({ key, value: '' });
  };
}

/** What the last frame of this key says. */
export function lastValue(frames: readonly Frame[], key: string): string | undefined {
  return frames.findLast((frame) => frame.key === key)?.value;
}

/** The whole text for the standard input of a POSIX sh on the host. */
export function scriptText(script: Script): string {
  const assignments = Object.entries(script.variables).map(
    ([name, value]) => `${name}=${singleQuoted(value)}`,
  );
  const own = [...(PARTS[script.name] ?? []), script.name].map((name) => readPart(`host/sh/${name}.sh`));
  const parts = [
    readPart('system/process.sh'),
    readPart('host/sh/common.sh'),
    assignments.join('\n'),
    ...own,
  ];
  return `{\n${parts.join('\n')}\n} </dev/null\n`;
}

function readPart(path: string): string {
  return readFileSync(assetPath(path), 'utf8');
}
