import { checkLines } from '../doctor/check.ts';
import type { Report } from './report.ts';

/** What a report contains, for its reader and its sender. */
export const WARNING =
  "Read this report before you send it. It names users, hosts, addresses, folders and files, and has the last lines of Jupyter's log. " +
  'Tokens, passwords, cookies, private keys, and the values of environment variables and setup commands are replaced by "…", as far as they can be recognized.';

/** The report as Markdown, to paste into an issue. */
export async function reportMarkdown(report: Report): Promise<string> {
  const { default: yaml } = await import('yaml');
  const { name, destination, madeAt, versions, settings, checks, status, events, log, missing } = report;
  const subject = name === null ? 'no server' : `the server "${name}" on ${destination}`;
  const sections: readonly (readonly [title: string, text: string])[] = [
    ['Versions', yaml.stringify(versions)],
    ['Settings', settings ? yaml.stringify(settings) : ''],
    ['Doctor', checks.flatMap((check) => checkLines(check)).join('\n')],
    ['Status', status ? yaml.stringify(status) : ''],
    ['Events of the connection (UTC)', events.map(({ at, what }) => `${at}  ${what}`).join('\n')],
    ["The end of Jupyter's log", log.join('\n')],
    ['Not found', missing.map(({ part, why }) => `${part}: ${why}`).join('\n')],
  ];
  const head = ['# Report of remote-notebook', WARNING, `About ${subject}, ${madeAt}.`, '## What happened'];
  const question = '(What did you do, what did you expect, and what happened instead?)';
  const body = sections.map(
    ([title, text]) => `## ${title}\n\n${text.trim() === '' ? 'None.' : block(text)}`,
  );
  return `${[...head.map(plain), question, ...body].join('\n\n')}\n`;
}

/** A block of text that nothing in it can end. */
function block(text: string): string {
  const fence = '`'.repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length)) + 1);
  return `${fence}text\n${visible(text.trimEnd())}\n${fence}`;
}

/** One line without a meaning in Markdown. */
function plain(text: string): string {
  return visible(text).replaceAll('\n', ' ').replace(/[`<@]/g, '\\$&');
}

/** A text whose control characters, and those that reorder it, can be seen. */
function visible(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
