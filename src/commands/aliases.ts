import { isDeepStrictEqual } from 'node:util';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr, flag } from '../line/verb.ts';
import type { ServerSettings } from '../model/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { SHELLS, type Shell } from '../shell/start-up-file.ts';
import type { Context } from '../system/context.ts';
import { giveLines, INSTALL } from './shell-lines.ts';

export const aliases = defineVerb({
  usage: 'aliases [server]',
  summary: 'Print or install shell aliases for a server',
  positionals: destinationOr('a server or a destination; all configured ones without'),
  options: {
    ...SERVER_OPTIONS,
    shell: { choices: SHELLS, describe: 'the shell to write for (default: yours)' },
    plain: flag("the article's own lines, which need nothing installed"),
    ...INSTALL,
  },
  examples: [
    ['$0 aliases user@host -d rne -e venv', 'print them'],
    ['$0 aliases --install', 'for every server of config.yaml'],
    ['$0 aliases user@host -d rne -e venv --plain', "the article's three lines"],
  ],
  run(args, terminal) {
    const makeLines = () => aliasLinesFor(args.server, args, args.plain, terminal.context);
    return giveLines('aliases', makeLines, 'Name one with --shell.', args, terminal);
  },
});

/** What `aliases --install` does: for every server of config.yaml. */
export async function installConfigured(shell: Shell, terminal: Terminal): Promise<void> {
  const makeLines = () => aliasLinesFor(undefined, {}, false, terminal.context);
  await giveLines('aliases', makeLines, '', { shell, install: true }, terminal);
}

async function aliasLinesFor(
  target: string | undefined,
  given: ServerSettings & { readonly name?: string | undefined },
  plain: boolean,
  context: Context,
): Promise<string[]> {
  const { articleLines } = await import('../article/commands.ts');
  const { remoteUser } = await import('../article/article.ts');
  const { readConfiguration } = await import('../config/file.ts');
  const { resolveServer } = await import('../config/resolve.ts');
  const { makeSpec } = await import('../model/server-spec.ts');
  const { aliasLines, ownLines } = await import('../shell/aliases.ts');
  const { configurationFile } = await import('../system/paths.ts');
  const { ownProgram } = await import('../system/program.ts');
  const { servers } = await readConfiguration(configurationFile(context.env));
  const configured = new Map(Object.entries(servers));
  const targets = target === undefined && configured.size > 0 ? [...configured.keys()] : [target];
  const linesFor = async (target: string | undefined) => {
    const spec = await resolveServer(target, given, context);
    const suffix = targets.length > 1 ? `_${spec.name}` : '';
    if (plain)
      return aliasLines(articleLines(spec, await remoteUser(spec, context), `port_forward${suffix}`), suffix);
    const entry = configured.get(spec.name);
    const isConfigured = entry !== undefined && isDeepStrictEqual(spec, makeSpec(spec.name, entry));
    return aliasLines(ownLines(spec, ownProgram(context.env), isConfigured), suffix);
  };
  return (await Promise.all(targets.map(linesFor))).flat();
}
