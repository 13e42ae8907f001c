import { SHARED_GROUP, type Verbs } from './verb.ts';

/** The width of a help: longer lines are hard to read. @param columns those of the terminal, if there is one */
export function helpWidth(columns: number | undefined): number {
  return Math.min(100, columns || 80);
}

/** The output of `--help` alone: each verb in one line. */
export function overview(verbs: Verbs): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: remote-notebook VERB [SERVER] [options]

Jupyter on any machine that you can ssh to, as if it were local.

${lines.join('\n')}

remote-notebook VERB --help shows the options of a verb, with examples.
Every verb accepts --verbose (-v) to show each command as it runs, and --json.
--version shows the version.`;
}

/** Sorts the sections of the help that yargs lays out, and removes types and defaults. */
export function tidyHelp(help: string): string {
  const sections = help
    .replace(/\s*\[(?:boolean|string|number|array|default: [^\]]*)\]/g, '')
    .split(/\n(?: *\n)+/)
    .filter((section) => section.trim() !== '');
  const rank = (section: string) => SECTIONS.findIndex((pattern) => pattern.test(section));
  const ordered = sections.toSorted((one, other) => rank(one) - rank(other)).join('\n\n');
  return /^Where:/m.test(ordered) ? ordered.replace(/^Options:/m, 'Other:') : ordered;
}

/** The sections of a verb's help in their order. The first one is its usage and summary. */
const SECTIONS = [
  /^(?!.*:\n)/,
  /^Positionals:/,
  /^Where:/,
  /^What:/,
  /^How:/,
  /^In a batch job:/,
  /^Options:/,
  new RegExp(`^${SHARED_GROUP}`),
  /^Examples:/,
];
