import { existsSync, lstatSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CONFIG_FILE, defineVerb, destinationOr, verifyAlone } from '../line/verb.ts';
import { reportMarkdown, WARNING } from '../report/markdown.ts';
import { makeReport, type Report } from '../report/report.ts';
import { UsageError } from '../system/errors.ts';
import { verifyWritable, writePrivateFile } from '../system/files.ts';

export const report = defineVerb({
  usage: 'report [server]',
  summary: 'Write a file for a bug report, without tokens and passwords',
  positionals: destinationOr(),
  options: {
    ...CONFIG_FILE,
    output: {
      alias: 'o',
      type: 'string',
      describe:
        'file to write, - for standard output (default: a name with server and date in the current folder)',
      requiresArg: true,
    },
  },
  examples: [
    ['$0 report gpu', 'write remote-notebook-gpu-DATE.md, also if gpu cannot be reached'],
    ['$0 report gpu --output -', 'print it instead'],
    ['$0 report gpu --json', 'print it as JSON'],
  ],
  async run(args, terminal) {
    const { server, sshConfig, output, json } = args;
    if (json) verifyAlone('--json', [output !== undefined && '--output']);
    if (output !== undefined && output !== '-') verifyFile(output);
    if (output === undefined && !json) verifyFile(fileName(server ?? null, new Date(0).toISOString()));
    const made = await makeReport(server, sshConfig, terminal.context);
    const text = await reportMarkdown(made);
    terminal.phases();
    if (json || output === '-') {
      await terminal.result(made, () => text.trimEnd().split('\n'));
    } else {
      const file = resolve(output ?? fileName(made.name, made.madeAt));
      // Again, since the name has the time, and a link may have come meanwhile.
      verifyFile(file);
      await writePrivateFile(file, text);
      terminal.print(file);
    }
    terminal.show(WARNING);
    return 0;
  },
});

function fileName(name: Report['name'], madeAt: string): string {
  const date = madeAt.replace(/\..*|[-:]/g, '').replace('T', '-');
  return ['remote-notebook', ...(name === null ? [] : [name]), `${date}.md`].join('-').replace(/[/\s]/g, '_');
}

/** Verifies that the file can be written, before anything takes time. @throws UsageError */
function verifyFile(output: string): void {
  const folder = dirname(resolve(output));
  if (!existsSync(folder)) throw new UsageError(`the folder ${folder} does not exist`);
  const entry = lstatSync(output, { throwIfNoEntry: false });
  // In a folder such as /tmp, another user could let it lead to a file of this user's, which would be replaced.
  if (entry?.isSymbolicLink())
    throw new UsageError(`${output} is a symbolic link`, { remedy: 'Name the file that it leads to.' });
  if (entry?.isDirectory())
    throw new UsageError(`${output} is a folder`, { remedy: 'Name a file in it, or - for standard output.' });
  verifyWritable(resolve(output));
}
