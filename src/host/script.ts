import { readFileSync } from 'node:fs';
import { SCHEDULERS } from '../launchers/launchers.ts';
import { singleQuoted } from '../system/command.ts';
import { assetPath } from '../system/installation.ts';

/** The parts of all scripts. */
const SHARED = [
  ...['parts/report', 'parts/places', 'parts/processes', 'parts/machine', 'parts/record'],
  ...['jobs/states', ...Object.keys(SCHEDULERS).map((name) => `launchers/${name}`)],
];
const ENVIRONMENT = ['parts/variables', 'parts/environment', 'jupyter/container', 'parts/jupyter'];
const DETACHED = ['parts/lock', 'parts/detached', 'launchers/direct'];
const JUPYTER = [
  ...ENVIRONMENT,
  ...['jupyter/arguments', 'jupyter/start', 'parts/listeners', 'parts/port-holder', 'parts/relay'],
];
const RUN = [...DETACHED, ...ENVIRONMENT, 'runs/record', 'runs/driver'];
/** Each script, with the other parts that it needs. */
const SCRIPTS = {
  launch: [...DETACHED, ...JUPYTER, 'jobs/submit', 'jobs/await'],
  job: [...DETACHED, ...JUPYTER, 'parts/memory', 'jobs/first'],
  jobs: [],
  site: [],
  end: ['parts/lock'],
  adopt: [...DETACHED, 'parts/relay'],
  stop: ['parts/lock', 'parts/listeners'],
  doctor: [...ENVIRONMENT, 'jupyter/arguments', 'parts/port-holder'],
  environments: ENVIRONMENT,
  servers: ['parts/listeners', 'parts/runtime'],
  folders: [],
  kernels: ['parts/memory'],
  look: ['parts/listeners'],
  logs: [],
  resources: [],
  'jupyter/install': ['parts/lock', ...ENVIRONMENT],
  'runs/start': [...RUN, 'runs/files', 'runs/taken-back', 'jobs/submit'],
  'runs/job': [...RUN, 'jobs/first'],
  'runs/console': ['runs/record'],
  'runs/list': ['runs/record'],
  'runs/stop': ['runs/record', 'runs/taken-back'],
  'runs/result': ['runs/record'],
  'runs/remove': ['runs/record'],
} as const;

/** A sh script for the host, with the values of its variables: see the head of each .sh file. */
export interface Script {
  readonly name: keyof typeof SCRIPTS;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * What comes before a script. A start-up file may read some lines of the standard input, so the first ones are empty. If
 * one has replaced the login shell by zsh, that reads the script, and must leave it to sh.
 */
const LEAD = `${'\n'.repeat(9)}case $ZSH_VERSION in ?*) exec /bin/sh -s ;; esac\n`;

/** The whole text, for the standard input of a POSIX sh on the host. */
export function scriptText({ name, variables }: Script): string {
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${singleQuoted(value)}`);
  const files = ['system/process', ...[...SHARED, ...SCRIPTS[name], name].map((file) => `host/sh/${file}`)];
  const parts = files.map((file) => readFileSync(assetPath(`${file}.sh`), 'utf8'));
  return `${LEAD}{ first_line=$$\n${[...assignments, ...parts].join('\n')}\nexit 0\n} </dev/null\n`;
}
