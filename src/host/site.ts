import { submission } from '../launchers/launcher.ts';
import { launcherOf, SCHEDULERS } from '../launchers/launchers.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import type { Site } from '../model/site.ts';
import { type Frame, framesFrom, lastValue } from './protocol.ts';
import { askHost, type OnHost } from './run-script.ts';

const NAMES = Object.keys(SCHEDULERS) as Site['launcher'][];

/** Returns the batch schedulers that a host has, with the partitions that they list for this user. */
export async function askSites(server: OnHost): Promise<Site[]> {
  const variables = { schedulers: NAMES.join(' '), rehearsal: '' };
  const frames = await askHost(server, { name: 'site', variables });
  return NAMES.flatMap((name) => siteIn(name, frames) ?? []);
}

/** Whether a scheduler would accept the job of a server. */
interface Rehearsal {
  readonly isAccepted: boolean;
  /** What the scheduler printed. */
  readonly words: string;
  /** What to change. */
  readonly remedy: string | undefined;
}

/** Asks the scheduler of a server for its partitions, and whether it would accept the job. */
export async function rehearse(
  server: OnHost,
): Promise<{ site: Site | undefined; rehearsal: Rehearsal | undefined }> {
  const { spec } = server;
  const launcher = launcherOf(spec);
  const rehearsal = launcher ? submission(launcher.rehearseLine(spec)) : '';
  const frames = await askHost(server, { name: 'site', variables: { schedulers: spec.launcher, rehearsal } });
  const name = NAMES.find((each) => each === spec.launcher);
  return { site: name && siteIn(name, frames), rehearsal: rehearsalIn(frames, spec) };
}

function rehearsalIn(frames: readonly Frame[], spec: ServerSpec): Rehearsal | undefined {
  const [accepted, declined] = [lastValue(frames, 'accepted'), lastValue(frames, 'declined')];
  const words = declined ?? accepted;
  if (words === undefined) return undefined;
  const isAccepted = declined === undefined;
  return { isAccepted, words, remedy: isAccepted ? undefined : launcherOf(spec)?.refusal(words) };
}

/** The scheduler with that name in these frames. */
function siteIn(launcher: Site['launcher'], frames: readonly Frame[]): Site | undefined {
  const own = framesFrom(frames, 'scheduler', launcher);
  if (own.length === 0) return undefined;
  const { title, partition, within } = SCHEDULERS[launcher];
  return {
    launcher,
    title,
    hasSteps: within('') !== undefined,
    partitions: own.flatMap(({ key, value }) => (key === 'partition' ? (partition(value) ?? []) : [])),
    trouble: own.find(({ key }) => key === 'unanswered')?.value,
  };
}
