import { isDeepStrictEqual } from 'node:util';
import { remoteUser } from '../article/article.ts';
import { articleLines } from '../article/commands.ts';
import { readConfiguration } from '../config/file.ts';
import { resolveServer } from '../config/resolve.ts';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb, destinationOr, flag } from '../line/verb.ts';
import { type GivenSettings, makeSpec } from '../model/server-spec.ts';
import type { Terminal } from '../screen/terminal.ts';
import { aliasLines, ownLines } from '../shell/aliases.ts';
import { SHELLS, type Shell } from '../shell/start-up-file.ts';
import type { Context } from '../system/context.ts';
import { ownProgram } from '../system/installation.ts';
import { configurationFile } from '../system/paths.ts';
import { INSTALL, printOrInstall } from './shell-lines.ts';

export const aliases = defineVerb({
  usage: 'aliases [server]',
  summary: 'Print or install shell aliases for a server',
  positionals: destinationOr('name of a server or an ssh destination (default: all servers in config.yaml)'),
  options: {
    ...SERVER_OPTIONS,
    shell: { choices: SHELLS, describe: 'shell to write the aliases for (default: yours)' },
    plain: flag(
      'print the three plain ssh commands of an article instead, which work without remote-notebook (see docs/article.md)',
    ),
    ...INSTALL,
  },
  examples: [
    ['$0 aliases user@host -d rne -e venv', 'print the aliases for one server'],
    ['$0 aliases --install', 'install aliases for all servers in config.yaml'],
    ['$0 aliases user@host -d rne -e venv --plain', 'print three plain ssh commands'],
  ],
  run(args, terminal) {
    const makeLines = () => aliasLinesFor(args.server, args, args.plain, terminal.context);
    return printOrInstall('aliases', makeLines, 'Choose one with --shell.', args, terminal);
  },
});

/** Does the same as `aliases --install`. */
export async function installConfigured(shell: Shell, terminal: Terminal): Promise<void> {
  const makeLines = () => aliasLinesFor(undefined, {}, false, terminal.context);
  await printOrInstall('aliases', makeLines, '', { shell, install: true }, terminal);
}

async function aliasLinesFor(
  target: string | undefined,
  given: GivenSettings,
  plain: boolean,
  context: Context,
): Promise<string[]> {
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
