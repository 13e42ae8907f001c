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

/** The parts of all scripts, and those that some scripts need: see the head of each. */
const SHARED = ['parts/report', 'parts/places', 'parts/processes', 'parts/record'];
const ENVIRONMENT = ['parts/variables', 'parts/environment', 'parts/jupyter'];
const DETACHED = ['parts/lock', 'parts/detached', 'launchers/direct'];
const PARTS: Readonly<Partial<Record<ScriptName, readonly string[]>>> = {
  launch: [...DETACHED, ...ENVIRONMENT, 'parts/port-holder'],
  adopt: DETACHED,
  stop: ['parts/lock'],
  doctor: [...ENVIRONMENT, 'parts/port-holder'],
  environments: ENVIRONMENT,
  servers: ['parts/runtime'],
};

/** The whole text, for the standard input of a POSIX sh on the host. */
export function scriptText({ name, variables }: Script): string {
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${singleQuoted(value)}`);
  const files = [...SHARED, ...(PARTS[name] ?? []), name].map((file) => readPart(`host/sh/${file}.sh`));
  return `{\n${[readPart('system/process.sh'), ...assignments, ...files].join('\n')}\n} </dev/null\n`;
}

function readPart(path: string): string {
  return readFileSync(assetPath(path), 'utf8');
}
