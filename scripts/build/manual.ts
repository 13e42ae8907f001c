import type { Options } from 'yargs';
import { VERBS } from '../../src/commands/verbs.ts';
import { spellings } from '../../src/line/candidates.ts';
import { type AnyVerb, SHARED_OPTIONS } from '../../src/line/verb.ts';
import { version } from '../../src/version.ts';

const EXIT_STATUS = [
  ['0', 'Done.'],
  ['1', 'It failed; the cause and a remedy are on standard error.'],
  ['2', 'The command line or the configuration is wrong; nothing was run.'],
  ['3', 'status: something that should run does not.'],
  ['130', 'Interrupted, and nothing is left behind.'],
] as const;

const FILES = [
  ['~/.ssh/config', "How to reach a host. It is ssh's own, and only ssh reads it."],
  [
    '~/.config/remote-notebook/config.yaml',
    'Servers by name; see config. Below $XDG_CONFIG_HOME, if that is set.',
  ],
  ['~/.local/state/remote-notebook/', 'What runs. It can be lost. Below $XDG_STATE_HOME, if that is set.'],
] as const;

const DESCRIPTION = `remote-notebook starts Jupyter on a machine that ssh reaches, brings it to a port of this one, and keeps it there
while this one sleeps and roams. It shows what runs where, and stops exactly what it started. All network work is
done by the system's own ssh with the user's own configuration.`;

/** Text as roff prints it: no dash becomes a hyphen, no line a request, no letter is lost in an old locale. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&')
    .replace(
      /[^\n -~]/g,
      (letter) => `\\[u${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}

function entry(term: string, text: string): string[] {
  return ['.TP', `.B ${roff(term)}`, roff(text)];
}

function optionEntry([name, option]: [string, Options]): string[] {
  const value = option.choices?.join('|') ?? (option.type === 'boolean' ? undefined : option.type);
  const names = spellings(name, option).sort((a, b) => a.length - b.length);
  const head = names.map((spelling) => `\\fB${roff(spelling)}\\fR`).join(', ');
  return ['.TP', value === undefined ? head : `${head} \\fI${roff(value)}\\fR`, roff(option.describe ?? '')];
}

function verbSection({ usage, summary, positionals = {}, options, examples }: AnyVerb): string[] {
  return [
    `.SS ${roff(usage)}`,
    `${roff(summary)}.`,
    ...Object.entries(positionals).flatMap(([name, { describe }]) => entry(name, describe)),
    ...Object.entries(options as Record<string, Options>).flatMap(optionEntry),
    '.PP',
    examples.length > 1 ? 'Examples:' : 'Example:',
    ...examples.flatMap(([command, does]) => entry(command.replace('$0', 'remote-notebook'), does)),
  ];
}

/** The manual page, in the macros of man(7), made of what the verbs' --help is made of. */
export function manual(date: Date): string {
  return `${[...head(date), ...verbs(), ...tail()].join('\n')}\n`;
}

const head = (date: Date) => [
  '.\\" Made by scripts/build/manual.ts from the verbs themselves.',
  `.TH REMOTE\\-NOTEBOOK 1 ${date.toISOString().slice(0, 10)} "remote\\-notebook ${roff(version())}"`,
  '.SH NAME',
  'remote\\-notebook \\- Jupyter on any machine that you can ssh to, as if it were local',
  '.SH SYNOPSIS',
  '.B remote\\-notebook',
  '.I verb',
  '.RI [ server ]',
  '.RI [ options ]',
  '.SH DESCRIPTION',
  roff(DESCRIPTION),
  '.PP',
  roff('Without a verb it shows how to begin, and what runs.'),
];

const verbs = () => [
  '.SH VERBS',
  ...Object.values(VERBS).flatMap(verbSection),
  '.SH OPTIONS OF EVERY VERB',
  ...Object.entries<Options>({
    ...SHARED_OPTIONS,
    help: { alias: 'h', type: 'boolean', describe: 'show help' },
  }).flatMap(optionEntry),
];

const tail = () => [
  '.SH EXIT STATUS',
  ...EXIT_STATUS.flatMap(([status, means]) => entry(status, means)),
  '.SH FILES',
  ...FILES.flatMap(([path, is]) => entry(path, is)),
  '.SH SEE ALSO',
  '.BR ssh (1),',
  '.BR ssh_config (5),',
  '.BR ssh\\-copy\\-id (1)',
];
