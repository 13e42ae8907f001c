import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { median, type Section } from './samples.ts';

/** The bench's tables as Markdown, and their place in docs/benchmarks.md and docs/comparison.md. */

const BEGIN = /<!-- made by make bench(-peers)? -->/;
const END = '<!-- until here -->';

/**
 * The sections, each with its table and its sentences.
 * @param load the number of programs that wanted a processor before the bench began
 */
export function report(sections: readonly Section[], load: number): string {
  return [`Measured on ${machine()}. ${loadBefore(load)}`, ...sections.map(sectionText)].join('\n\n');
}

function loadBefore(load: number): string {
  return `Before the bench began, the load of the machine was ${load.toFixed(1)}.`;
}

function sectionText(section: Section): string {
  const { title, unit, samples, words, findings } = section;
  const parts = [`## ${title}`];
  if (samples.size > 0) parts.push(table([`in ${unit}`, ...headings(section)], rows(section)));
  if (words) parts.push(table(words.head, words.body, true));
  return [...parts, findings.map((finding) => `- ${finding}`).join('\n')].join('\n\n');
}

function headings({ columns }: Section): string[] {
  return columns?.map((column) => column.replace(/^, /, '')) ?? ['median', 'min–max'];
}

function rows({ unit, samples, columns }: Section): string[][] {
  const cell = (value: number) => value.toFixed(unit === 's' || value < 10 ? 1 : 0);
  if (columns) {
    const [first = ''] = columns;
    const names = [...samples.keys()].filter((name) => name.endsWith(first));
    return names
      .map((name) => name.slice(0, -first.length))
      .map((name) => [name, ...columns.map((column) => cell(median(samples, name + column)))]);
  }
  return [...samples].map(([name, values]) => {
    const spread = values.length > 1 ? `${cell(Math.min(...values))}–${cell(Math.max(...values))}` : '';
    return [name, cell(median(samples, name)), spread];
  });
}

/** @param areWords whether all columns begin at the left, and not only the first one */
function table(head: readonly string[], body: readonly (readonly string[])[], areWords = false): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map((row) => (row[column] ?? '').length)),
  );
  const pad = (text: string, column: number) =>
    column === 0 || areWords ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 || areWords ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() || process.arch;
  return [
    `${processors.length} cores of ${model}`,
    system(),
    versionOf('ssh', '-V').split(',')[0],
    `Node ${process.versions.node}`,
    `notebook ${versionOf('jupyter', 'notebook', '--version')}`,
  ].join(', ');
}

function system(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    if (name) return name;
  } catch {}
  return `${process.platform} ${release()}`;
}

/** What a program prints about its version, on either output. */
function versionOf(program: string, ...args: string[]): string {
  return execFileSync('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], {
    encoding: 'utf8',
  }).trim();
}

/** Replaces the text between the page's two marks. @throws Error without these marks */
export function writePage(file: string, text: string): void {
  changePage(file, () => text);
}

/** Replaces these sections in the page, or adds them to its end, and leaves those of other titles as they are. */
export function writeSections(file: string, sections: readonly Section[], load: number): void {
  const apart = `It was measured by itself, on ${machine()}. ${loadBefore(load)}`;
  changePage(file, (before) =>
    sections.reduce((text, section) => {
      const { title, findings } = section;
      const one = sectionText({ ...section, findings: [...findings, apart] });
      const begin = text.indexOf(`## ${title}\n`);
      if (begin < 0) return `${text}\n\n${one}`;
      const next = text.indexOf('\n\n## ', begin);
      return `${text.slice(0, begin)}${one}${next < 0 ? '' : text.slice(next)}`;
    }, before),
  );
}

function changePage(file: string, change: (before: string) => string): void {
  const page = readFileSync(file, 'utf8');
  const [mark = ''] = BEGIN.exec(page) ?? [];
  const [begin, end] = [page.indexOf(mark) + mark.length, page.indexOf(END)];
  if (mark === '' || end < begin) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  const text = change(page.slice(begin, end).trim());
  writeFileSync(file, `${page.slice(0, begin)}\n\n${text}\n\n${page.slice(end)}`);
}
