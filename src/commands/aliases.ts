import { isDeepStrictEqual } from 'node:util';
import type { Notebook } from '../notebook/notebook.ts';
import { type GivenSettings, settingsFrom } from '../notebook/settings.ts';
import { SHELLS, type Shell } from '../notebook/start-up-file.ts';
import { NOTEBOOK_OPTIONS } from './notebook-options.ts';
import { giveLines, INSTALL, installLines } from './shell-lines.ts';
import type { Terminal } from './terminal.ts';
import { defineVerb } from './verb.ts';

export const aliases = defineVerb({
  usage: 'aliases [notebook]',
  summary: 'Shell aliases: port_forward, remote_notebook_start, remote_notebook_stop',
  positionals: {
    notebook: {
      describe: 'a notebook or a destination; all configured ones without',
      type: 'string',
      completes: 'destinations',
    },
  },
  options: {
    ...NOTEBOOK_OPTIONS,
    shell: { choices: SHELLS, describe: 'the shell to write for (default: yours)' },
    plain: {
      type: 'boolean',
      default: false,
      describe: "the article's own lines, which need nothing installed",
    },
    ...INSTALL,
  },
  examples: [
    ['$0 aliases user@host -d rne -e venv', 'print them'],
    ['$0 aliases --install', 'for every notebook of config.yaml'],
    ['$0 aliases user@host -d rne -e venv --plain', "the article's three lines"],
  ],
  async run(args, terminal) {
    const { meantShell } = await import('../notebook/start-up-file.ts');
    const shell = meantShell(args.shell, terminal.context.env, 'Name one with --shell.');
    const makeLines = async () =>
      allLines(await meantNotebooks(args.notebook, args, terminal), args.plain, terminal);
    return giveLines('aliases', shell, makeLines, args, terminal);
  },
});

/** What `aliases --install` does: for every notebook of config.yaml. */
export async function installConfigured(shell: Shell, terminal: Terminal): Promise<void> {
  const notebooks = await meantNotebooks(undefined, {}, terminal);
  await installLines('aliases', shell, await allLines(notebooks, false, terminal), terminal);
}

async function meantNotebooks(
  target: string | undefined,
  args: GivenSettings & { name?: string | undefined; F?: string | undefined },
  { context }: Terminal,
): Promise<Notebook[]> {
  const { resolveNotebook } = await import('../notebook/resolve.ts');
  const { readConfiguration } = await import('../notebook/configuration.ts');
  const { configurationFile } = await import('../system/paths.ts');
  const flags = { ...settingsFrom(args), name: args.name };
  const { notebooks } = await readConfiguration(configurationFile(context.env));
  const names = target === undefined && Object.keys(notebooks).length > 0 ? Object.keys(notebooks) : [target];
  return Promise.all(names.map((name) => resolveNotebook(name, flags, args.F, context)));
}

async function allLines(
  notebooks: readonly Notebook[],
  plain: boolean,
  { context }: Terminal,
): Promise<string[]> {
  const { aliasLines } = await import('../notebook/aliases.ts');
  const { configuredNotebook } = await import('../notebook/configuration.ts');
  const { remoteUser } = await import('../notebook/plain.ts');
  const { configurationFile } = await import('../system/paths.ts');
  const { ownProgram } = await import('../system/program.ts');
  const lines: string[] = [];
  for (const notebook of notebooks) {
    const plainUser = plain ? await remoteUser(notebook, context) : undefined;
    const suffix = notebooks.length > 1 ? `_${notebook.name}` : '';
    const configured = await configuredNotebook(configurationFile(context.env), notebook.name);
    const isConfigured = isDeepStrictEqual(notebook, configured);
    lines.push(
      ...aliasLines(notebook, { program: ownProgram(context.env), plainUser, suffix, isConfigured }),
    );
  }
  return lines;
}
