import { removeOnHost, runsOn, stopOnHost } from '../host/runs/runs.ts';
import { hasEnded, type RunOutcome, type RunStatus } from '../model/run.ts';
import type { Host } from '../ssh/arguments.ts';
import { type KnownRuns, type RunPlace, readRuns, updateRuns } from '../state/runs.ts';
import { type Context, endedBy, timeLimit } from '../system/context.ts';
import { Failure, Interrupted } from '../system/errors.ts';
import { hostOfRun, isOn, nameIn, referenceTo, withHost } from './place.ts';

/** Timeout for a host whose runs `status` shows. */
const HOST_TIMEOUT_MS = 30_000;

/** All runs on a host, whichever machine started them, the newest last. This machine then knows their names. */
export async function listRuns(
  { destination, sshConfig, isQuiet }: Host & { readonly isQuiet?: boolean },
  context: Context,
): Promise<RunStatus[]> {
  const host = { destination, sshConfig };
  const before = referencesOn(host, readRuns(context));
  const found = await withHost({ ...host, ...(isQuiet && { isQuiet }) }, context, runsOn);
  await updateRuns(context, ({ runs, written }) => {
    const seen = found.map((run) => [referenceTo(run.name, host, { runs }), hasEnded(run)] as const);
    // Those that were removed there are not asked for again, but one may have been started while the host answered.
    const gone = before.filter((each) => !found.some(({ name }) => name === nameIn(each)));
    const all = [...seen, ...gone.map((each) => [each, true] as const)];
    const entries = all.map(([each, ended]) => [each, { ...host, ...runs[each], ended }] as const);
    return { runs: { ...runs, ...Object.fromEntries(entries) }, written };
  });
  // Those in the queue have not begun.
  const startOf = ({ startedAt }: RunStatus) => startedAt ?? '~';
  return found.toSorted((a, b) => startOf(a).localeCompare(startOf(b)));
}

/** The runs that this machine knows on a host: see `referenceTo`. */
function referencesOn(host: Host, known: Pick<KnownRuns, 'runs'>): string[] {
  return Object.keys(known.runs).filter((each) => isOn(each, host, known));
}

/** The runs that had not ended when this machine last looked: see `referenceTo`. */
export function openRunNames(context: Context): string[] {
  return Object.entries(readRuns(context).runs).flatMap(([name, { ended }]) => (ended ? [] : [name]));
}

/** The runs that have not ended, or have ended since this machine last looked; those of a host that fails are `unknown`. */
export async function openRuns(context: Context): Promise<RunStatus[]> {
  const { runs } = readRuns(context);
  const open = openRunNames(context);
  const answers = await askHosts(hostsOf(open.flatMap((name) => runs[name] ?? [])), context);
  return answers.flatMap((answer) => {
    const own = referencesOn(answer.host, { runs }).filter((each) => open.includes(each));
    return runsIn(answer, context).filter(({ name }) => own.some((each) => nameIn(each) === name));
  });
}

/** All runs on these hosts, and on those of the runs that this machine knows. A host that fails is reported. */
export async function allRuns(hosts: readonly Host[], context: Context): Promise<RunStatus[]> {
  const all = hostsOf([...hosts, ...Object.values(readRuns(context).runs)]);
  const [only] = all;
  // A single host may ask for a password.
  if (only && all.length === 1) return listRuns(only, context);
  const answers = await askHosts(all, context);
  for (const { host, why } of answers)
    if (why !== undefined) context.report.note(`${host.destination}: ${why}`);
  return answers.flatMap((answer) => runsIn(answer, context));
}

/** The runs on a host, or why it did not report them. */
interface Answer {
  readonly host: Host;
  readonly found: readonly RunStatus[];
  readonly why?: string;
}

/** Asks all hosts at the same time, so that none of them can ask for a password. */
function askHosts(hosts: readonly Host[], context: Context): Promise<Answer[]> {
  const ask = async (host: Host): Promise<Answer> => {
    try {
      const limit = endedBy(timeLimit(HOST_TIMEOUT_MS), context);
      return { host, found: await listRuns({ ...host, isQuiet: true }, limit) };
    } catch (error) {
      if (context.signal.aborted) throw new Interrupted();
      if (!(error instanceof Failure)) throw error;
      const why = error instanceof Interrupted ? 'it did not answer in time' : error.message.split('\n')[0];
      return { host, found: [], why: why ?? '' };
    }
  };
  return Promise.all(hosts.map(ask));
}

function runsIn({ host, found, why }: Answer, context: Context): readonly RunStatus[] {
  if (why === undefined) return found;
  const known = referencesOn(host, readRuns(context));
  return known.map((each) => unknownRun(nameIn(each), host.destination, why));
}

function hostsOf(places: readonly Pick<RunPlace, 'destination' | 'sshConfig'>[]): Host[] {
  return [...new Map(places.map(hostOfRun).map((host) => [JSON.stringify(host), host])).values()];
}

function unknownRun(name: string, destination: string, why: string): RunStatus {
  return {
    name,
    destination,
    state: 'unknown',
    exit: null,
    cell: null,
    done: 0,
    cells: 0,
    startedAt: null,
    endedAt: null,
    elapsedSeconds: null,
    kernel: null,
    program: null,
    error: null,
    why,
    words: null,
    parameters: null,
    notes: [],
    kept: null,
    folder: '',
    directory: '',
    node: '',
    job: null,
    from: null,
  };
}

/** Cancels a run, and keeps everything that it has computed. */
export async function stopRun(
  name: string,
  place: RunPlace,
  context: Context,
): Promise<{ outcome: RunOutcome; status: RunStatus }> {
  const stopped = await withHost(hostOfRun(place), context, (server) => stopOnHost(server, name));
  await updateRuns(context, ({ runs, written }) => ({
    runs: { ...runs, [referenceTo(name, hostOfRun(place), { runs })]: { ...place, ended: true } },
    written,
  }));
  return stopped;
}

/** The runs that have ended, on the hosts of all runs that this machine knows. */
export async function endedRuns(context: Context): Promise<{ what: string; remove(): Promise<void> }[]> {
  const ended = [];
  for (const host of hostsOf(Object.values(readRuns(context).runs))) {
    const found = await listRuns(host, context);
    for (const run of found.filter((run) => hasEnded(run) && run.kept === null)) {
      const what = `the run ${run.name} on ${host.destination} (${run.state}), with its notebook there`;
      ended.push({ what, remove: () => removeRun(run.name, host, context) });
    }
  }
  return ended;
}

/** Removes a run that has ended from its host, with its outputs. */
async function removeRun(name: string, host: Host, context: Context): Promise<void> {
  await withHost(host, context, (server) => removeOnHost(server, name));
  await updateRuns(context, ({ runs, written }) => {
    const { [referenceTo(name, host, { runs })]: _, ...others } = runs;
    return { runs: others, written };
  });
}
