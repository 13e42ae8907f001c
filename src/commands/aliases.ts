import { isDeepStrictEqual } from 'node:util';
import { SERVER_OPTIONS } from '../line/server-options.ts';
import { defineVerb } from '../line/verb.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { ServerSettings } from '../model/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { SHELLS, type Shell } from '../shell/start-up-file.ts';
import { giveLines, INSTALL, installLines } from './shell-lines.ts';

export const aliases = defineVerb({
  usage: 'aliases [server]',
  summary: 'Shell aliases: port_forward, remote_notebook_start, remote_notebook_stop',
  positionals: {
    server: {
      describe: 'a server or a destination; all configured ones without',
      type: 'string',
      completes: 'destinations',
    },
  },
  options: {
    ...SERVER_OPTIONS,
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
    ['$0 aliases --install', 'for every server of config.yaml'],
    ['$0 aliases user@host -d rne -e venv --plain', "the article's three lines"],
  ],
  async run(args, terminal) {
    const { meantShell } = await import('../shell/start-up-file.ts');
    const shell = meantShell(args.shell, terminal.context.env, 'Name one with --shell.');
    const makeLines = async () =>
      allLines(await meantServers(args.server, args, terminal), args.plain, terminal);
    return giveLines('aliases', shell, makeLines, args, terminal);
  },
});

/** What `aliases --install` does: for every server of config.yaml. */
export async function installConfigured(shell: Shell, terminal: Terminal): Promise<void> {
  const servers = await meantServers(undefined, {}, terminal);
  await installLines('aliases', shell, await allLines(servers, false, terminal), terminal);
}

async function meantServers(
  target: string | undefined,
  given: ServerSettings & { name?: string | undefined },
  { context }: Terminal,
): Promise<ServerSpec[]> {
  const { resolveServer } = await import('../config/resolve.ts');
  const { readConfiguration } = await import('../config/file.ts');
  const { configurationFile } = await import('../system/paths.ts');
  const { servers } = await readConfiguration(configurationFile(context.env));
  const names = target === undefined && Object.keys(servers).length > 0 ? Object.keys(servers) : [target];
  return Promise.all(names.map((name) => resolveServer(name, given, context)));
}

async function allLines(
  servers: readonly ServerSpec[],
  plain: boolean,
  { context }: Terminal,
): Promise<string[]> {
  const { aliasLines } = await import('../shell/aliases.ts');
  const { configuredServer } = await import('../config/file.ts');
  const { remoteUser } = await import('../article/article.ts');
  const { configurationFile } = await import('../system/paths.ts');
  const { ownProgram } = await import('../system/program.ts');
  const lines: string[] = [];
  for (const spec of servers) {
    const plainUser = plain ? await remoteUser(spec, context) : undefined;
    const suffix = servers.length > 1 ? `_${spec.name}` : '';
    const configured = await configuredServer(configurationFile(context.env), spec.name);
    const isConfigured = isDeepStrictEqual(spec, configured);
    lines.push(...aliasLines(spec, { program: ownProgram(context.env), plainUser, suffix, isConfigured }));
  }
  return lines;
}
