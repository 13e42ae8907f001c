import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Cause, EXPLANATIONS } from '../../src/host/failures.ts';
import { notRun } from '../../src/host/refusals.ts';
import type { Step } from '../../src/ssh/causes/cause.ts';
import { HOST_WORDS } from './host-words.ts';
import { serverFailure } from './server-words.ts';
import { failureOf, SSH_WORDS } from './ssh-words.ts';

/** docs/troubleshooting.md: its tables of causes are made of the code's own, so that they cannot differ. */

export const TROUBLESHOOTING = fileURLToPath(new URL('../../docs/troubleshooting.md', import.meta.url));

const BEGIN = '<!-- The tables below are written by `make reference`. -->\n';
const END = '<!-- The tables above are written by `make reference`. -->\n';

/** The page's text with the tables as the code has them. */
export function troubleshooting(): string {
  const text = readFileSync(TROUBLESHOOTING, 'utf8');
  const [before = '', rest = ''] = text.split(BEGIN);
  return `${before}${BEGIN}\n${tables()}\n${END}${rest.split(END)[1] ?? ''}`;
}

type Row = readonly [message: string, remedy: string];

function tables(): string {
  const bySsh = (...steps: Step[]): Row[] =>
    SSH_WORDS.map((recorded) => ({ failure: failureOf(recorded), recorded }))
      .filter(({ failure }) => steps.includes(failure.step))
      .map(({ failure, recorded }) => [
        `${failure.line}${seen(recorded.circumstances?.clues?.greeting)}`,
        failure.remedy ?? '',
      ]);
  return [
    table('ssh does not reach the host', bySsh('ssh', 'ssh_config', 'name', 'reach')),
    table('The host or its key is not accepted', bySsh('host key')),
    table('The login or forwarding is refused', bySsh('authentication', 'forwarding')),
    table(
      'The login works, and the host does not run our script',
      HOST_WORDS.map(({ lines }) => [lines[0] ?? '', notRun(lines, 1, 'ssh gpu').remedy]),
    ),
    table(
      'The server or the run cannot be started or found',
      (Object.keys(EXPLANATIONS) as Cause[]).map((cause) => {
        const { message, remedy } = serverFailure(cause);
        return [
          message.split('\n')[0] ?? '',
          remedy || 'If remote-notebook knows more, it prints that below the message.',
        ];
      }),
    ),
  ].join('\n');
}

function seen(greeting: string | undefined): string {
  return greeting === undefined ? '' : `; the first line from the port is "${greeting}"`;
}

function table(title: string, rows: readonly Row[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const lines = rows.map(
    ([message, remedy]) => `| \`${message.replaceAll('|', '\\|')}\` | ${cell(remedy)} |`,
  );
  return [`## ${title}`, '', '| message | what to do |', '| --- | --- |', ...lines, ''].join('\n');
}
