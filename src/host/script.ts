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
