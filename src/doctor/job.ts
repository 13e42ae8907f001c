import { askSites, rehearse } from '../host/site.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { parseDuration } from '../model/setting-values.ts';
import { type Partition, partitionText, type Site, timeText } from '../model/site.ts';
import type { Connection } from '../ssh/arguments.ts';
import { keepPartitions } from '../state/partitions.ts';
import type { Context } from '../system/context.ts';
import { connectionOf } from '../tunnel/connection.ts';
import { wayToNodes } from '../tunnel/keeper.ts';
import { type Check, failed, ok, unchecked, warning } from './check.ts';

/** The checks of the scheduler of a cluster. */
export const JOB_LAYERS = ['scheduler', 'partition', 'resources', 'node'];

/** Checks whether the scheduler of a server's job is there, and would accept the job. Submits nothing. */
export async function jobChecks(
  spec: ServerSpec,
  connection: Connection,
  context: Context,
): Promise<Check[]> {
  const server = { connection, spec, context };
  const { site, rehearsal } = await rehearse(server);
  if (!site || site.trouble !== undefined)
    return [
      unusable(site, spec, await askSites(server)),
      ...JOB_LAYERS.slice(1).map((name) => unchecked(name, 'scheduler')),
    ];
  const { title, partitions } = site;
  await keepPartitions(
    spec.destination,
    partitions.map(({ name }) => name),
    context.env,
  );
  return [
    ok('scheduler', `${title} responds, with ${partitions.length} partitions for you`),
    checkPartition(spec, partitions),
    rehearsal?.isAccepted
      ? ok('resources', `${title} would accept the job: ${rehearsal.words}`)
      : failed('resources', `${title} would refuse the job: ${rehearsal?.words}`, rehearsal?.remedy),
    checkNode(spec, site, context),
  ];
}

/** @param sites the schedulers that the host has */
function unusable(
  site: Site | undefined,
  { launcher, destination }: ServerSpec,
  sites: readonly Site[],
): Check {
  const other = sites.find(({ trouble }) => trouble === undefined);
  const found = site
    ? `${site.title} does not respond: ${site.trouble}`
    : `the commands of ${launcher} were not found on ${destination}`;
  const fix = site
    ? 'Try again later, or ask the administrators of the cluster.'
    : 'Check that this is the login node of the cluster. If a start-up file sets its PATH, it must do so without a terminal, too.';
  return failed('scheduler', found, other ? `It has ${other.title}: --launcher ${other.launcher}` : fix);
}

function checkPartition({ partition, time }: ServerSpec, partitions: readonly Partition[]): Check {
  const name = 'partition';
  const found = partitions.find((each) =>
    partition === undefined ? each.isDefault : each.name === partition,
  );
  const names = partitions.map((each) => each.name).join(', ');
  if (!found && partition === undefined) return ok(name, `chosen by the cluster, from: ${names}`);
  if (!found) return failed(name, `there is no partition "${partition}" for you`, `Choose one of: ${names}`);
  const text = `${found.name}: ${partitionText(found)}`;
  if (!found.isOpen) return warning(name, text, `The job waits until it opens. Others are: ${names}`);
  if (time !== undefined && found.maxTimeS !== null && parseDuration(time, 'time') > found.maxTimeS)
    return failed(
      name,
      `${text}, but --time is ${time}`,
      `Choose at most --time ${timeText(found.maxTimeS)}, or another --partition.`,
    );
  return ok(name, text);
}

/** Which way leads to the nodes, as the last job has shown, and why not the faster one. */
function checkNode(spec: ServerSpec, { hasSteps }: Site, context: Context): Check {
  // Doctor has a connection of its own.
  const way = wayToNodes(connectionOf(spec, context.env));
  if (!way) return unchecked('node', 'no job of yours has shown which way leads to the nodes');
  if (way.isOpen) return ok('node', 'reached by ssh through the login node');
  const refused = `ssh to the nodes was refused: ${way.reason}`;
  const fix =
    'To allow it, add your public key to ~/.ssh/authorized_keys on the cluster, or ask its administrators.';
  return hasSteps
    ? ok('node', `reached by a further step of the job. The faster way is closed: ${refused}`, fix)
    : warning('node', `not reached: ${refused}`, fix);
}
