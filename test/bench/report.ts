import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { median, type Section } from './samples.ts';

/** The bench's tables as Markdown, and where they stand in docs/benchmarks.md. */

const BEGIN = '<!-- made by make bench -->';
const END = '<!-- until here -->';

/** One table with a heading line for each section, and the sentences below it. */
export function report(sections: readonly Section[]): string {
  const rows = sections.flatMap(sectionRows);
  const width = Math.max(...rows.map(([name = '']) => name.length));
  const line = ([name = '', middle = '', spread = '']: readonly string[]) =>
    `| ${name.padEnd(width)} | ${middle.padStart(8)} | ${spread.padStart(15)} |`;
  const table = [
    line(['', 'median', 'min–max']),
    `| ${'-'.repeat(width)} | -------: | --------------: |`,
    ...rows.map(line),
  ];
  const findings = sections.flatMap((section) => section.findings).map((finding) => `- ${finding}`);
  return [`On ${machine()}.`, '', ...table, '', ...findings].join('\n');
}

function sectionRows({ title, unit, samples }: Section): string[][] {
  const digits = unit === 's' ? 1 : unit === 'MB' ? 1 : 0;
  const cell = (value: number) => value.toFixed(digits);
  const rows = [...samples].map(([name, values]) => {
    const spread = values.length > 1 ? `${cell(Math.min(...values))}–${cell(Math.max(...values))}` : '';
    return [name, cell(median(samples, name)), spread];
  });
  return samples.size === 0 ? [] : [[`**${title}**`, `**${unit}**`, ''], ...rows];
}

function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() || process.arch;
  return [
    `${processors.length} cores of ${model}`,
    system(),
    said('ssh', '-V').split(',')[0],
    `Node ${process.versions.node}`,
    `notebook ${said('jupyter', 'notebook', '--version')}`,
  ].join(', ');
}

function system(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    if (name) return name;
  } catch {}
  return `${process.platform} ${release()}`;
}

/** A version, on whichever output the program tells it. */
function said(program: string, ...args: string[]): string {
  return execFileSync('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], {
    encoding: 'utf8',
  }).trim();
}

/** Puts the text between the page's two marks. @throws Error when they are not there */
export function writePage(file: string, text: string): void {
  const before = readFileSync(file, 'utf8');
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  writeFileSync(file, `${before.slice(0, begin)}${BEGIN}\n\n${text}\n\n${before.slice(end)}`);
}
