import type { ArgumentsCamelCase, InferredOptionTypes, Options } from 'yargs';
import type { Terminal } from '../screen/terminal.ts';
import { UsageError } from '../system/errors.ts';
import { SETTING_OPTIONS } from './server-options.ts';

/** The values of the options that every verb has. */
export interface SharedArguments {
  readonly verbose: boolean;
  readonly json: boolean;
}

/** Kinds of names that Tab completes; a server is also a destination, and `started` are servers and runs. */
export type NameKind = 'servers' | 'destinations' | 'runs' | 'started';

/** The options of any verb whose value is the name of a file. */
export const FILE_OPTIONS: readonly string[] = ['ssh-config', 'params', 'with', 'output'];

interface Positional {
  readonly describe: string;
  readonly type?: 'string';
  readonly array?: boolean;
  /** What Tab completes: known names, these words, or for `notebooks` the files here and `HOST:` for each known host. */
  readonly completes?: NameKind | 'notebooks' | readonly string[];
}

/** A verb: its name, arguments and help, and the function that runs it. */
export interface Verb<O extends Record<string, Options> = Record<string, Options>> {
  /** In the syntax of yargs: the name, and its positional arguments in brackets. */
  readonly usage: string;
  readonly summary: string;
  readonly positionals?: Readonly<Record<string, Positional>>;
  readonly options: O;
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** Returns the exit status. */
  run(args: VerbArguments<O>, terminal: Terminal): Promise<number>;
}

type VerbArguments<O extends Record<string, Options>> = ArgumentsCamelCase<
  InferredOptionTypes<O> &
    SharedArguments & {
      server?: string | undefined;
      document?: string | undefined;
      notebook?: string | undefined;
      run?: string | undefined;
      ports?: string[] | undefined;
      action?: string | undefined;
      shell?: string | undefined;
    }
>;

/** Checks the types of a verb's `run` against its options. */
export function defineVerb<O extends Record<string, Options>>(verb: Verb<O>): AnyVerb {
  return verb;
}

/** A verb with any options. */
export type AnyVerb = Omit<Verb, 'run'> & { run(args: never, terminal: Terminal): Promise<number> };

/** Verbs by name. */
export type Verbs = Readonly<Record<string, AnyVerb>>;

/** The verb with this name. A plain lookup would also find `toString`. */
export function verbNamed(name: string, verbs: Verbs): AnyVerb | undefined {
  return Object.hasOwn(verbs, name) ? verbs[name] : undefined;
}

/** A switch that is off by default. */
export function flag(describe: string, letter?: string) {
  return { type: 'boolean', default: false, describe, ...(letter && { alias: letter }) } as const;
}

/** The heading of the shared options in help. */
export const SHARED_GROUP = 'Options of every verb:';

export const SHARED_OPTIONS = {
  verbose: { ...flag('show each command as it runs', 'v'), group: SHARED_GROUP },
  json: { ...flag('print one JSON document on standard output'), group: SHARED_GROUP },
} as const satisfies Record<string, Options>;

export const SERVER = {
  server: {
    describe: 'name of a server (default: the only one, or the default in config.yaml)',
    type: 'string',
    completes: 'servers',
  },
} as const;

/** The argument of a verb for both: they have one name space. */
export const SERVER_OR_RUN = {
  server: {
    describe: 'name of a server or of a run (default: the only server, or the default in config.yaml)',
    type: 'string',
    completes: 'started',
  },
} as const;

/** The argument of a verb that also accepts an ssh destination. */
export function destinationOr(describe = 'name of a server, or an ssh destination as start accepts it') {
  return { server: { describe, type: 'string', completes: 'destinations' } } as const;
}

export const CONFIG_FILE = { 'ssh-config': { ...SETTING_OPTIONS['ssh-config'], group: 'Options:' } } as const;

export const YES = { yes: flag('do not ask for confirmation', 'y') } as const;

/** The mistake of an option whose number is out of range, or not a number. */
export function invalidNumber(option: string, value: number, expected: string): UsageError {
  return new UsageError(`--${option} must be ${expected}${Number.isNaN(value) ? '' : `, not ${value}`}`);
}

/** @throws UsageError when an option that cannot be combined with this one is given, too */
export function verifyAlone(option: string, others: readonly (string | false | undefined)[]): void {
  const other = others.find(Boolean);
  if (other) throw new UsageError(`${option} and ${other} cannot be combined`);
}
