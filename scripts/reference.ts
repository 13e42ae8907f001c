// `make reference`: writes the help of each verb to docs/reference/verbs.md, and the tables of docs/troubleshooting.md and
// docs/reliability.md.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERBS } from '../src/commands/verbs.ts';
import { TROUBLESHOOTING, troubleshooting } from '../test/causes/page.ts';
import { RELIABILITY, reliability } from '../test/reliability.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
export const PAGE = join(root, 'docs/reference/verbs.md');

/** The page's text. */
export function reference(): string {
  const help = (...verb: string[]) =>
    execFileSync(process.execPath, [join(root, 'dist/cli.cjs'), ...verb, '--help'], { encoding: 'utf8' });
  const sections = Object.keys(VERBS).map(
    (verb) => `## ${verb}\n\n\`\`\`text\n${help(verb).trimEnd()}\n\`\`\`\n`,
  );
  return `# Verbs

This page is for people who look up an option. It is the help that the command prints; \`make reference\` writes it.

\`\`\`text
${help().trimEnd()}
\`\`\`

${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, reference());
  writeFileSync(TROUBLESHOOTING, troubleshooting());
  writeFileSync(RELIABILITY, reliability());
}
