import type { OnHost } from '../../host/run-script.ts';
import { askSites } from '../../host/site.ts';
import { makeSpec, type ServerEntry } from '../../model/server-spec.ts';
import { optionName, type ServerSettings, type SettingName } from '../../model/settings.ts';
import { type Partition, partitionText, type Site } from '../../model/site.ts';
import { yesOrNo } from '../../screen/questions.ts';
import { keepPartitions } from '../../state/partitions.ts';
import { UsageError } from '../../system/errors.ts';
import { connectionOf } from '../../tunnel/connection.ts';
import { choose, type Dialogue } from './dialogue.ts';

/** What `init` asks about a job, if the command line does not say it. */
const QUESTIONS = [
  ['time', 'How long may the job run (90m, 4h, 2d)?'],
  ['cpus', 'How many CPUs?'],
  ['memory', 'How much memory (500M, 16G)?'],
  ['gpus', 'How many GPUs?'],
] as const satisfies readonly (readonly [SettingName, string])[];

/**
 * Looks for a batch scheduler on the host, and asks whether it shall run the server, and with what.
 * @returns the settings of the job; empty for a process of the host itself
 */
export async function askJob(entry: ServerEntry, dialogue: Dialogue): Promise<ServerSettings> {
  const { terminal, ask } = dialogue;
  const { context, show } = terminal;
  const spec = makeSpec('init', entry);
  const server: OnHost = { connection: connectionOf(spec, context.env), spec, context };
  context.report.phase('look');
  const sites = await askSites(server);
  const site = sites.find(({ trouble }) => trouble === undefined);
  // The commands alone may be there on any machine.
  if (!site) return {};
  const { title, launcher, partitions } = site;
  await keepPartitions(
    entry.destination,
    partitions.map(({ name }) => name),
    context.env,
  );
  show(
    `The host has the batch scheduler ${title}. On a cluster, Jupyter must run in a job, not on the login node.`,
  );
  if (!(await ask(yesOrNo(`Run Jupyter in a job of ${title}?`, true)))) return {};
  const partition = await askPartition(site, entry, dialogue);
  const hasGpus = partition?.node.some((each) => each.startsWith('gpu')) ?? true;
  const answers: Record<string, unknown> = { launcher, ...(partition && { partition: partition.name }) };
  for (const [setting, text] of QUESTIONS) {
    if (entry[setting] !== undefined || (setting === 'gpus' && !hasGpus)) continue;
    const answer = await ask({
      text,
      byDefault: '',
      hint: 'as the cluster has it',
      read: (typed) => answerOf(setting, typed, { ...entry, ...answers }),
    });
    if (answer !== undefined) answers[setting] = answer;
  }
  return answers;
}

/** Returns the chosen partition; undefined if the cluster chooses it, or the command line has named it. */
async function askPartition(
  { partitions }: Site,
  { partition }: ServerEntry,
  dialogue: Dialogue,
): Promise<Partition | undefined> {
  if (partition !== undefined || partitions.length === 0)
    return partitions.find(({ name }) => name === partition);
  const rows = partitions.map((each) => ({ word: each.name, about: partitionText(each) }));
  const byDefault = (partitions.find(({ isDefault }) => isDefault) ?? partitions[0])?.name;
  const read = (answer: string) => {
    const found = partitions.find(({ name }) => name === answer);
    if (found) return found;
    throw new UsageError(`there is no partition "${answer}" for you`);
  };
  return choose({ text: 'Partition:', byDefault, read }, rows, dialogue);
}

/** Reads a value as its option does; an empty one leaves it to the cluster. @throws UsageError */
function answerOf(setting: SettingName, typed: string, entry: ServerEntry): unknown {
  if (typed === '') return undefined;
  const value = setting === 'cpus' ? Number(typed) : typed;
  if (Number.isNaN(value)) throw new UsageError(`--${optionName(setting)} is not a number`);
  return makeSpec('init', { ...entry, [setting]: value })[setting];
}
