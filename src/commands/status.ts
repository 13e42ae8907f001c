import { CONFIG_FILE, defineVerb, destinationOr, flag, verifyAlone } from '../line/verb.ts';
import type { ServerStatus } from '../model/status.ts';
import type { Terminal } from '../screen/terminal.ts';

const SOMETHING_IS_DOWN = 3;
const WATCH_MS = 2000;

export const status = defineVerb({
  usage: 'status [server]',
  summary: 'Show what is running and where (checked live)',
  positionals: destinationOr('name of a server; all without. With --all a destination of ssh, too'),
  options: {
    ...CONFIG_FILE,
    watch: flag('look again every two seconds, in place', 'w'),
    repair: flag('first put what runs, and was lost from the records, back on record'),
    resources: flag('also how much of each host is in use: load, memory, disk, GPUs'),
    all: flag('every Jupyter server of yours on that host, whoever started it'),
  },
  examples: [
    ['$0 status', 'all servers; exit status 3 when something that should run does not'],
    ['$0 status gpu --json', 'for scripts'],
    ['$0 status --resources', 'and the load, memory, disk and GPUs of their hosts'],
    ['$0 status --watch', 'until Ctrl-C'],
    ['$0 status gpu --all', 'also servers that were started by hand, or from another machine'],
    ['$0 status --repair', 'after the state folder was lost or broken'],
  ],
  async run(args, terminal) {
    if (args.all) return showHost(args, terminal);
    const { isHealthy } = await import('../lifecycle/status.ts');
    if (args.repair) await repair(terminal);
    if (args.watch && !args.json) return watchStatus(args, terminal);
    const servers = await look(args, terminal);
    await terminal.result({ servers }, () => linesOf(servers, args, terminal));
    return servers.every(isHealthy) ? 0 : SOMETHING_IS_DOWN;
  },
});

/** Lists a host's servers. What runs there is no promise of this machine's, so nothing of it is `down`. */
async function showHost(
  args: Wanted & Readonly<Record<'watch' | 'repair', boolean>>,
  terminal: Terminal,
): Promise<number> {
  const others = (['watch', 'repair', 'resources'] as const).map((option) => args[option] && `--${option}`);
  verifyAlone('--all', others);
  const { resolveServer } = await import('../config/resolve.ts');
  const { destination, sshConfig } = await resolveServer(
    args.server,
    { sshConfig: args.sshConfig },
    terminal.context,
  );
  const { listHost } = await import('../lifecycle/hosts.ts');
  const listing = await listHost(destination, sshConfig, terminal.context);
  const { serverTable } = await import('../screen/server-table.ts');
  await terminal.result(listing, () => serverTable(listing, terminal, Date.now()));
  return 0;
}

async function repair(terminal: Terminal): Promise<void> {
  const { repairRecords } = await import('../lifecycle/repair.ts');
  const found = await repairRecords(terminal.context);
  for (const { spec } of found) terminal.show(`Found again: "${spec.name}" on ${spec.destination}.`);
  if (found.length === 0) terminal.show('No tunnel leads to anything that is not on record.');
}

interface Wanted {
  readonly server?: string | undefined;
  readonly sshConfig?: string | undefined;
  readonly resources?: boolean | undefined;
}

/** The table of the servers that are wanted, all of them when none is named. */
export async function statusLines(wanted: Wanted, terminal: Terminal): Promise<string[]> {
  return linesOf(await look(wanted, terminal), wanted, terminal);
}

async function look(
  { server, sshConfig, resources }: Wanted,
  { context }: Terminal,
): Promise<ServerStatus[]> {
  const { statusOf } = await import('../lifecycle/status.ts');
  const { articleStatuses } = await import('../article/store.ts');
  const { knownServer } = await import('../config/resolve.ts');
  const name = server === undefined ? undefined : (await knownServer(server, sshConfig, context)).spec.name;
  const statuses = [...(await statusOf(name, context)), ...(await articleStatuses(name, context))];
  if (!resources) return statuses;
  const { withResources } = await import('../lifecycle/hosts.ts');
  return withResources(statuses, context);
}

async function linesOf(
  servers: readonly ServerStatus[],
  { server, resources }: Wanted,
  terminal: Terminal,
): Promise<string[]> {
  if (servers.length === 0) {
    return [
      server === undefined
        ? 'Nothing runs. Begin with: remote-notebook start user@host'
        : `"${server}" does not run. Start it: remote-notebook start ${server}`,
    ];
  }
  const { statusTable } = await import('../screen/status-table.ts');
  const table = statusTable(servers, terminal, Date.now());
  if (!resources) return table;
  const { resourceLines } = await import('../screen/resource-lines.ts');
  return [...table, '', ...resourceLines(servers)];
}

/** Draws the table again and again, over itself on a terminal; ends only by an interrupt, which is no failure. */
async function watchStatus(wanted: Wanted, terminal: Terminal): Promise<number> {
  const { setTimeout: pause } = await import('node:timers/promises');
  const { signal } = terminal.context;
  while (!signal.aborted) {
    try {
      terminal.redraw(await statusLines(wanted, terminal));
      await pause(WATCH_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return 0;
}
