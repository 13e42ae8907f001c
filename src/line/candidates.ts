import type { Options } from 'yargs';
import { LAUNCHERS } from '../model/setting-values.ts';
import { FILE_OPTIONS, type NameKind, SHARED_OPTIONS, type Verbs, verbNamed } from './verb.ts';

/** A word that Tab offers, and its description. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

const HELP = { help: { alias: 'h', type: 'boolean', describe: 'show help' } } as const;
const ALONE = { ...HELP, version: { type: 'boolean', describe: 'show the version' } } as const;

type OptionTable = Readonly<Record<string, Options>>;
/** What Tab completes with known names: the arguments of verbs, and the values of options. */
export type Kind = NameKind | 'jobs' | 'partitions';
type Names = (kind: Kind, sshConfig: string | undefined) => Promise<Candidate[]>;

/** What Tab offers: words, and with `files` also the names of files, which the shell knows. */
interface Offer {
  readonly words: readonly Candidate[];
  readonly files?: true;
}
const FILES: Offer = { words: [], files: true };

/**
 * What Tab offers for the last of the words after the program's name, whatever is typed of it so far.
 * @param names returns the known names of a kind
 */
export async function candidatesFor(words: readonly string[], verbs: Verbs, names: Names): Promise<Offer> {
  const [name = '', ...others] = words;
  if (others.length === 0) {
    if (name.startsWith('-')) return { words: optionWords(ALONE) };
    return { words: Object.entries(verbs).map(([word, { summary }]) => ({ word, about: summary })) };
  }
  const verb = verbNamed(name, verbs);
  if (!verb) return { words: [] };
  const options: OptionTable = { ...verb.options, ...SHARED_OPTIONS, ...HELP };
  const { before, current, prefix } = atEquals(others);
  const typed = readTyped(before, options);
  if (typed.awaiting !== undefined && FILE_OPTIONS.includes(typed.awaiting)) return FILES;
  if (typed.awaiting !== undefined) {
    const values = OPTION_VALUES[typed.awaiting] ?? options[typed.awaiting]?.choices ?? [];
    const known =
      typeof values === 'string'
        ? await names(values, typed.sshConfig)
        : values.map((value) => ({ word: String(value), about: '' }));
    return { words: known.map(({ word, about }) => ({ word: `${prefix}${word}`, about })) };
  }
  if (!typed.isAfterDashes && current.startsWith('-')) return { words: optionWords(options) };
  const { completes = [] } = Object.values(verb.positionals ?? {})[typed.positionals] ?? {};
  if (completes === 'notebooks') {
    const hosts = await names('destinations', typed.sshConfig);
    return { words: hosts.map(({ word, about }) => ({ word: `${word}:`, about })), files: true };
  }
  if (typeof completes === 'string') return { words: await names(completes, typed.sshConfig) };
  return { words: completes.map((word) => ({ word, about: '' })) };
}

/** The values of options that are not choices of the parser: their settings have messages of their own. */
const OPTION_VALUES: Readonly<Record<string, Kind | readonly string[]>> = {
  launcher: LAUNCHERS,
  partition: 'partitions',
  job: 'jobs',
};

/** Splits `--option=value`: bash passes three words, zsh and fish pass one. */
function atEquals(words: readonly string[]): { before: string[]; current: string; prefix: string } {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [, prefix = '', option, value = ''] = /^((--[\w-]+)=)(.*)$/s.exec(current) ?? [];
  if (option !== undefined) return { before: [...before, option], current: value, prefix };
  return { before: before.filter((word) => word !== '='), current: current === '=' ? '' : current, prefix };
}

/** Returns the option whose value comes next (`awaiting`), the number of positional arguments, and the ssh_config. */
function readTyped(words: readonly string[], options: OptionTable) {
  let awaiting: string | undefined;
  let positionals = 0;
  let sshConfig: string | undefined;
  const dashes = words.indexOf('--');
  for (const word of dashes < 0 ? words : words.slice(0, dashes)) {
    const named = awaiting === undefined ? fileIn(word) : awaiting === 'ssh-config' ? word : undefined;
    sshConfig = named ?? sshConfig;
    if (awaiting !== undefined) awaiting = undefined;
    else if (word.startsWith('-')) awaiting = takingValue(word, options);
    else positionals++;
  }
  const isAfterDashes = dashes >= 0;
  if (isAfterDashes) positionals += words.length - dashes - 1;
  return { awaiting: isAfterDashes ? undefined : awaiting, positionals, isAfterDashes, sshConfig };
}

/** The ssh_config in a word that contains the option and its value: `-FFILE`, `--ssh-config=FILE`. */
function fileIn(word: string): string | undefined {
  return /^(?:-F=?|--ssh-config=)(.+)$/s.exec(word)?.[1];
}

/** The long name of the option with this spelling, if it takes a value. */
function takingValue(spelling: string, options: OptionTable): string | undefined {
  const found = Object.entries(options).find(([name, option]) => spellings(name, option).includes(spelling));
  return found && found[1].type !== 'boolean' ? found[0] : undefined;
}

/** How an option is written: `--port` and `-p`; `--no-browser` if it is on by default. */
export function spellings(name: string, { alias = [], type, default: byDefault }: Options): string[] {
  const own = [name, ...[alias].flat()].map((word) => `${word.length > 1 ? '--' : '-'}${word}`);
  return type === 'boolean' && byDefault === true ? own.map((word) => word.replace(/^--/, '--no-')) : own;
}

/** Only the long names: a short one is typed faster than completed. */
function optionWords(options: OptionTable): Candidate[] {
  return Object.entries(options).flatMap(([name, option]) =>
    spellings(name, option)
      .filter((word) => word.startsWith('--'))
      .map((word) => ({ word, about: option.describe || '' })),
  );
}
