import { SHARED_GROUP, type Verbs } from './verb.ts';

/** A help that is as wide as a wide window is hard to read. */
const WIDEST = 100;

/** How wide a help is, in letters. @param columns those of the terminal, if it is one */
export function helpWidth(columns: number | undefined): number {
  return Math.min(WIDEST, columns || 80);
}

/** What `--help` alone prints: each verb in one line. */
export function overview(verbs: Verbs): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: remote-notebook VERB [SERVER] [options]

Jupyter on any machine that you can ssh to, as if it were local.

${lines.join('\n')}

remote-notebook VERB --help shows the options of a verb, with examples.
Each verb takes --verbose (-v), which shows each command as it runs, and --json.
--version shows the version.`;
}

/**
 * The help of a verb as yargs lays it out, with the options of every verb behind its own, and without what tells a user
 * nothing: types, and that a switch is off.
 */
export function tidyHelp(help: string): string {
  const sections = help
    .replace(/\s*\[(?:boolean|string|number|array|default: [^\]]*)\]/g, '')
    .split(/\n(?: *\n)+/)
    .filter((section) => section.trim() !== '');
  const rank = (section: string) => SECTIONS.findIndex((pattern) => pattern.test(section));
  const ordered = sections.toSorted((one, other) => rank(one) - rank(other)).join('\n\n');
  return /^Where:/m.test(ordered) ? ordered.replace(/^Options:/m, 'Other:') : ordered;
}

/** The sections of a verb's help, in their order: usage and summary, arguments, its own options, the others, examples. */
const SECTIONS = [
  /^(?!.*:\n)/,
  /^Positionals:/,
  /^Where:/,
  /^What:/,
  /^How:/,
  /^Options:/,
  new RegExp(`^${SHARED_GROUP}`),
  /^Examples:/,
];
