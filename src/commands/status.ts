import { setTimeout as pause } from 'node:timers/promises';
import { statusesOf } from '../article/store.ts';
import { hostOf, hostsOfServers } from '../config/hosts.ts';
import { listHost, listHosts, withResources } from '../lifecycle/hosts.ts';
import { repairRecords } from '../lifecycle/repair.ts';
import { isHealthy } from '../lifecycle/status.ts';
import { CONFIG_FILE, defineVerb, destinationOr, flag, verifyAlone } from '../line/verb.ts';
import type { RunStatus } from '../model/run.ts';
import type { ServerStatus } from '../model/status.ts';
import { hostOfRun, type NamedRun } from '../runs/place.ts';
import { listRuns, openRuns } from '../runs/runs.ts';
import { resourceLines } from '../screen/resource-lines.ts';
import { hostsTable, serverTable } from '../screen/server-table.ts';
import { statusTable } from '../screen/status-table.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { Host } from '../ssh/arguments.ts';
import type { Context } from '../system/context.ts';
import { UsageError } from '../system/errors.ts';
import { runLines, runNamed } from './runs.ts';

const SOMETHING_IS_DOWN = 3;
const WATCH_MS = 2000;
const LONGEST_WATCH_MS = 60_000;

export const status = defineVerb({
  usage: 'status [server]',
  summary: 'Show what is running and where (checked live)',
  positionals: destinationOr(
    'name of a server (default: all servers); with --all, a server or an ssh destination (default: all known hosts)',
  ),
  options: {
    ...CONFIG_FILE,
    watch: flag('refresh every two seconds, or less often if a scheduler has to be asked', 'w'),
    repair: flag('first find servers that are running but missing from the state file'),
    resources: flag('also show how much of each host is in use: load, memory, disk, GPUs'),
    all: flag(
      'list every Jupyter server of yours on the host (default: on the hosts of all your servers), no matter who started it',
    ),
  },
  examples: [
    ['$0 status', 'show all servers; exits with status 3 if one is down'],
    ['$0 status gpu --json', 'print one server as JSON'],
    ['$0 status --resources', 'also show load, memory, disk and GPUs of the hosts'],
    ['$0 status --watch', 'refresh until you press Ctrl-C'],
    ['$0 status gpu --all', 'also list servers that were started by hand, or from another machine'],
    ['$0 status --all', 'the same on each host in config.yaml, and each host on which you started a server'],
    ['$0 status --repair', 'recover after the state file was lost or damaged'],
  ],
  async run(args, terminal) {
    if (args.all) {
      const others = (['watch', 'repair', 'resources'] as const).map((name) => args[name] && `--${name}`);
      verifyAlone('--all', others);
      const hosts = args.server === undefined ? await hostsOfServers(args.sshConfig, terminal.context) : [];
      // Without any, showHost says how to begin.
      return hosts.length > 0 ? showHosts(hosts, terminal) : showHost(args, terminal);
    }
    const { context } = terminal;
    const watches = args.watch && !args.json;
    if (watches && (await runNamed(args.server, args.sshConfig, context)))
      throw new UsageError('--watch shows all runs, or one server', {
        remedy: `To watch this run: remote-notebook logs ${args.server} -f`,
      });
    if (args.repair) await repair(terminal);
    if (watches) return watchStatus(args, terminal);
    const found = await look(args, context);
    await terminal.result(found, () => linesOf(found, args, terminal));
    return found.servers.every(isHealthy) ? 0 : SOMETHING_IS_DOWN;
  },
});

/** What was found, now. */
interface Findings {
  readonly servers: readonly ServerStatus[];
  readonly runs: readonly RunStatus[];
}

interface Wanted {
  readonly server?: string | undefined;
  readonly sshConfig?: string | undefined;
  readonly resources?: boolean | undefined;
}

/** Lists the servers of a host. None of them needs to be running, so the exit status is 0. */
async function showHost({ server, sshConfig }: Wanted, terminal: Terminal): Promise<number> {
  const listing = await listHost(await hostOf(server, sshConfig, terminal.context), terminal.context);
  await terminal.result(listing, () => serverTable(listing, terminal, Date.now()));
  return 0;
}

/** Lists the servers of all known hosts. Returns the exit status: 1 if one of them could not be asked. */
async function showHosts(hosts: readonly Host[], terminal: Terminal): Promise<number> {
  const reports = await listHosts(hosts, terminal.context);
  await terminal.result({ hosts: reports }, () => hostsTable(reports, terminal, Date.now()));
  return reports.some((report) => 'error' in report) ? 1 : 0;
}

async function repair({ show, context }: Terminal): Promise<void> {
  const found = await repairRecords(context);
  for (const { spec } of found) show(`Found again: "${spec.name}" on ${spec.destination}.`);
  if (found.length === 0) show('No running server is missing from the state file.');
}

/** The tables of all servers and runs, or of the named one. */
export async function statusLines(wanted: Wanted, terminal: Terminal): Promise<string[]> {
  return linesOf(await look(wanted, terminal.context), wanted, terminal);
}

async function look({ server, sshConfig, resources }: Wanted, context: Context): Promise<Findings> {
  const run = await runNamed(server, sshConfig, context);
  if (run) return { servers: [], runs: await runsAt(run, context) };
  const [servers, runs] = await Promise.all([
    statusesOf(server, sshConfig, context),
    server === undefined ? openRuns(context) : [],
  ]);
  return { servers: resources ? await withResources(servers, context) : servers, runs };
}

/** The run with this name on the host where it is. */
async function runsAt({ name, place }: NamedRun, context: Context): Promise<RunStatus[]> {
  const found = await listRuns(hostOfRun(place), context);
  return found.filter((run) => run.name === name);
}

function linesOf({ servers, runs }: Findings, wanted: Wanted, terminal: Terminal): string[] {
  if (runs.length === 0) return serverLines(servers, wanted, terminal);
  const above = servers.length > 0 ? [...serverLines(servers, wanted, terminal), ''] : [];
  return [...above, ...runLines(runs, terminal)];
}

function serverLines(
  servers: readonly ServerStatus[],
  { server, resources }: Wanted,
  terminal: Terminal,
): string[] {
  if (servers.length > 0) {
    const table = statusTable(servers, terminal, Date.now());
    return resources ? [...table, '', ...resourceLines(servers)] : table;
  }
  return server === undefined
    ? ['No servers are running. Start one: remote-notebook start user@host']
    : [`"${server}" is not running. Start it: remote-notebook start ${server}`];
}

/** Refreshes the tables until an interrupt, which is not a failure here. */
async function watchStatus(wanted: Wanted, terminal: Terminal): Promise<number> {
  const { signal } = terminal.context;
  let waitMs = WATCH_MS;
  while (!signal.aborted) {
    try {
      const found = await look(wanted, terminal.context);
      terminal.redraw(linesOf(found, wanted, terminal));
      await pause(waitMs, undefined, { signal });
      waitMs = isCostly(found) ? Math.min(2 * waitMs, LONGEST_WATCH_MS) : WATCH_MS;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return 0;
}

/**
 * Whether the next look should come later, because this one has asked a scheduler, which many sites forbid to do often, or a host
 * that did not answer. A server that has started is asked itself.
 */
function isCostly({ servers, runs }: Findings): boolean {
  return (
    runs.some(({ job, state }) => job !== null || state === 'unknown') ||
    servers.some(({ job, jupyter }) => job && jupyter.state !== 'running')
  );
}
