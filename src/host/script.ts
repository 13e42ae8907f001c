import { readFileSync } from 'node:fs';
import { assetPath } from '../system/asset.ts';
import { singleQuoted } from '../system/command.ts';

/** The parts of all scripts. */
const SHARED = ['parts/report', 'parts/places', 'parts/processes', 'parts/record'];
const ENVIRONMENT = ['parts/variables', 'parts/environment', 'parts/jupyter'];
const DETACHED = ['parts/lock', 'parts/detached', 'launchers/direct'];
/** Each script, with the other parts that it needs. */
const SCRIPTS = {
  launch: [...DETACHED, ...ENVIRONMENT, 'parts/port-holder'],
  adopt: DETACHED,
  stop: ['parts/lock'],
  doctor: [...ENVIRONMENT, 'parts/port-holder'],
  environments: ENVIRONMENT,
  servers: ['parts/runtime'],
  look: [],
  logs: [],
  resources: [],
} as const;

/** A sh script for the host, with the values of its variables: see the head of each .sh file. */
export interface Script {
  readonly name: keyof typeof SCRIPTS;
  readonly variables: Readonly<Record<string, string>>;
}

/** The whole text, for the standard input of a POSIX sh on the host. */
export function scriptText({ name, variables }: Script): string {
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${singleQuoted(value)}`);
  const files = ['system/process', ...[...SHARED, ...SCRIPTS[name], name].map((file) => `host/sh/${file}`)];
  const parts = files.map((file) => readFileSync(assetPath(`${file}.sh`), 'utf8'));
  return `{\n${[...assignments, ...parts].join('\n')}\nexit 0\n} </dev/null\n`;
}
