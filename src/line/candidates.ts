import type { Options } from 'yargs';
import { SHARED_OPTIONS, type Verbs } from './verb.ts';

/** What may stand where the cursor is, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly about: string;
}

const HELP = { help: { alias: 'h', type: 'boolean', describe: 'show help' } } as const;
const ALONE = { ...HELP, version: { type: 'boolean', describe: 'show the version' } } as const;

type OptionTable = Readonly<Record<string, Options>>;
type Names = (kind: 'servers' | 'destinations', sshConfig: string | undefined) => Promise<Candidate[]>;

/**
 * What may stand in place of the last of the words, which are those behind the program's name; not narrowed down to
 * what is typed of it. `file` when the name of a file of this machine is expected.
 * @param names asked for servers, or for all that `start` takes
 */
export async function candidatesFor(
  words: readonly string[],
  verbs: Verbs,
  names: Names,
): Promise<Candidate[] | 'file'> {
  const [verbName = '', ...others] = words;
  if (others.length === 0) return verbName.startsWith('-') ? optionWords(ALONE) : verbWords(verbs);
  const verb = Object.hasOwn(verbs, verbName) ? verbs[verbName] : undefined;
  if (!verb) return [];
  const options: OptionTable = { ...verb.options, ...SHARED_OPTIONS, ...HELP };
  const { before, current, prefix } = atEquals(others);
  const typed = readTyped(before, options);
  if (typed.awaiting !== undefined) return valueWords(typed.awaiting, options, prefix);
  if (!typed.isBehindDashes && current.startsWith('-')) return optionWords(options);
  const { completes = [] } = Object.values(verb.positionals ?? {})[typed.positionals] ?? {};
  if (typeof completes === 'string') return names(completes, typed.sshConfig);
  return completes.map((word) => ({ word, about: '' }));
}

/** `--option=value`, which bash gives as three words, and zsh and fish as one. */
function atEquals(words: readonly string[]): { before: string[]; current: string; prefix: string } {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [, prefix = '', option, value = ''] = /^((--[\w-]+)=)(.*)$/s.exec(current) ?? [];
  if (option !== undefined) return { before: [...before, option], current: value, prefix };
  const isEquals = (word: string | undefined) => word === '=';
  return {
    before: before.filter((word) => !isEquals(word)),
    current: isEquals(current) ? '' : current,
    prefix,
  };
}

interface Typed {
  /** The option whose value comes next, by its first name. */
  readonly awaiting: string | undefined;
  /** How many positional arguments there are already. */
  readonly positionals: number;
  readonly isBehindDashes: boolean;
  readonly sshConfig: string | undefined;
}

function readTyped(words: readonly string[], options: OptionTable): Typed {
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
  const isBehindDashes = dashes >= 0;
  if (isBehindDashes) positionals += words.length - dashes - 1;
  return { awaiting: isBehindDashes ? undefined : awaiting, positionals, isBehindDashes, sshConfig };
}

/** The ssh_config in a word that is both the option and its value: `-FFILE`, `--ssh-config=FILE`. */
function fileIn(word: string): string | undefined {
  return /^(?:-F=?|--ssh-config=)(.+)$/s.exec(word)?.[1];
}

/** The first name of the option that is spelt like this, if it takes a value. */
function takingValue(spelling: string, options: OptionTable): string | undefined {
  const found = Object.entries(options).find(([name, option]) => spellings(name, option).includes(spelling));
  return found && found[1].type !== 'boolean' ? found[0] : undefined;
}

/** How an option is written: `--port` and `-p`; `--no-browser` where it is on by itself. */
export function spellings(name: string, { alias = [], type, default: byDefault }: Options): string[] {
  const own = [name, ...[alias].flat()].map((word) => `${word.length > 1 ? '--' : '-'}${word}`);
  return type === 'boolean' && byDefault === true ? own.map((word) => word.replace(/^--/, '--no-')) : own;
}

/** The long names alone: who knows a short one has typed it already. */
function optionWords(options: OptionTable): Candidate[] {
  return Object.entries(options).flatMap(([name, option]) =>
    spellings(name, option)
      .filter((word) => word.startsWith('--'))
      .map((word) => ({ word, about: option.describe || '' })),
  );
}

function valueWords(name: string, options: OptionTable, prefix: string): Candidate[] | 'file' {
  if (name === 'ssh-config') return 'file';
  return (options[name]?.choices ?? []).map((choice) => ({ word: `${prefix}${choice}`, about: '' }));
}

function verbWords(verbs: Verbs): Candidate[] {
  return Object.entries(verbs).map(([word, { summary }]) => ({ word, about: summary }));
}
