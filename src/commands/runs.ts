import { hostOf, hostsOfServers } from '../config/hosts.ts';
import { serverNames } from '../config/names.ts';
import { CONFIG_FILE, defineVerb, destinationOr } from '../line/verb.ts';
import type { RunStatus } from '../model/run.ts';
import { knownRun, type NamedRun, referenceOf } from '../runs/place.ts';
import { allRuns, listRuns } from '../runs/runs.ts';
import { runTable } from '../screen/run-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { Context } from '../system/context.ts';

export const runs = defineVerb({
  usage: 'runs [server]',
  summary: 'List the runs on a host, whichever machine started them',
  positionals: destinationOr(
    'ssh destination, or the name of a server on the host (default: all hosts of your servers and runs)',
  ),
  options: { ...CONFIG_FILE },
  examples: [
    ['$0 runs', 'show each run, how far it is, and how it ended'],
    ['$0 runs gpu --json', 'those on one host, as JSON'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const found =
      args.server === undefined
        ? await allRuns(await hostsOfServers(args.sshConfig, context), context)
        : await listRuns(await hostOf(args.server, args.sshConfig, context), context);
    const none = `There are no runs. Start one: remote-notebook run NOTEBOOK ${args.server ?? 'HOST'}`;
    await terminal.result({ runs: found }, () => (found.length > 0 ? runLines(found, terminal) : []));
    if (found.length === 0) terminal.show(none);
    return 0;
  },
});

/** The table of these runs. */
export function runLines(runs: readonly RunStatus[], terminal: Terminal): string[] {
  return runTable(runs, terminal, (run) => referenceOf(run, terminal.context));
}

/** The run with this name, unless a server has it: a server that is not on record here may have got its name later. */
export async function runNamed(
  name: string | undefined,
  sshConfig: string | undefined,
  context: Context,
): Promise<NamedRun | undefined> {
  const run = knownRun(name, context);
  if (!run) return undefined;
  const servers = await serverNames(context.env);
  return servers.some((server) => server.name === name)
    ? undefined
    : { ...run, place: { ...run.place, sshConfig: sshConfig ?? run.place.sshConfig } };
}
