import type { JobStatus } from '../model/job.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { parseDuration } from '../model/setting-values.ts';
import type { Partition } from '../model/site.ts';
import { type Command, commandLine } from '../system/command.ts';
import { type Launcher, type Meaning, meaningOf, remedyFor } from './launcher.ts';

/** Slurm, from version 20.11, whose srun knows --overlap: see sbatch(1), squeue(1) and srun(1). */
export const slurm: Launcher = {
  title: 'Slurm',

  submitLine: (spec) =>
    `slurm_forget; ${commandLine(submitWords(spec))} --output="$(slurm_path "$folder/job.log")"`,
  rehearseLine: (spec) =>
    `slurm_forget; ${commandLine(['sbatch', '--test-only', ...submitWords(spec).slice(1)])}`,

  within: (id, hasTerminal = false) => [
    '/bin/sh',
    ...['-c', FORGETTING, 'sh'],
    'srun',
    '--quiet',
    '--unbuffered',
    `--jobid=${id}`,
    '--overlap',
    '--nodes=1',
    '--ntasks=1',
    ...(hasTerminal ? ['--pty'] : []),
  ],

  // What srun prints for a job that is over, or that the controller has forgotten.
  isOver: (printed) =>
    /Invalid job id|has expired|Expired or invalid job|already complet|Job has been (revoked|cancelled)/i.test(
      printed,
    ),

  status(line, now) {
    const [, state = '', reason = '', start = '', node = '', left = ''] = line.split('|');
    return {
      state: stateOf(state),
      reason: word(stateOf(state) === 'queued' ? reason : state),
      node: word(node),
      expectedStart: /^\d+$/.test(start) && stateOf(state) === 'queued' ? Number(start) * 1000 : null,
      endsAt: stateOf(state) === 'running' ? endOf(left, now) : null,
    };
  },

  partition,
  waiting: (reason) => meaningOf(reason, WAITING),
  ended: (state) => meaningOf(state, ENDED),
  refusal: (words) =>
    remedyFor(words, REFUSALS, 'Change the options of the job, or ask the administrators of the cluster.'),
};

/** As slurm_forget of its script. No character of it is special to any login shell in which these words are quoted. */
const FORGETTING =
  'for name in $(env | grep -E "^(SALLOC|SLURM|SRUN)_[A-Z0-9_]+=" | grep -vE "^(SLURM_CONF|SLURM_JWT)=" | cut -d= -f1); do unset "$name"; done; exec "$@"';

function submitWords(spec: ServerSpec): Command {
  const { name } = spec;
  return [
    'sbatch',
    '--parsable',
    `--job-name=remote-notebook-${name}`,
    `--comment=remote-notebook:${name}`,
    '--nodes=1',
    '--ntasks=1',
    // A server that was started again on another node has new kernels.
    '--no-requeue',
    '--open-mode=truncate',
    // The environment of the login node, which may contain secrets, stays there.
    '--export=NONE',
    // The first process of the job notices that its time is nearly over.
    '--signal=B:USR1@300',
    ...resources(spec),
    ...spec.jobOption,
  ];
}

function resources({ time, cpus, memory, gpus, partition, account }: ServerSpec): string[] {
  return [
    ...(time === undefined ? [] : [`--time=${parseDuration(time, 'time') / 60}`]),
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    ...(gpus === undefined ? [] : [`--gres=gpu:${gpus}`]),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
  ];
}

/** The value of a field of squeue, which has several words for nothing. */
function word(field: string): string | null {
  return /^(|\(null\)|None|N\/A)$/i.test(field) ? null : field;
}

/** A line of sinfo: NAME|AVAIL|TIMELIMIT|ALLOCATED/IDLE/OTHER/TOTAL|CPUS|MEMORY|GRES. A star marks the default, a plus the least of several. */
function partition(line: string): Partition | undefined {
  const [marked = '', avail, limit = '', nodes = '', cpus = '', memory = '', gres = ''] = line.split('|');
  const [, free, total] = /^\d+\/(\d+)\/\d+\/(\d+)$/.exec(nodes) ?? [];
  if (marked === '' || total === undefined) return undefined;
  const gigabytes = Math.floor(Number.parseInt(memory, 10) / 1000);
  return {
    name: marked.replace(/\*$/, ''),
    isDefault: marked.endsWith('*'),
    isOpen: avail === 'up',
    maxTimeS: secondsIn(limit),
    free: Number(free),
    total: Number(total),
    unit: 'nodes',
    node: [
      `${cpus} CPUs`,
      ...(gigabytes > 0 ? [`${gigabytes}${memory.endsWith('+') ? '+' : ''} GB`] : []),
      ...(word(gres) === null ? [] : [gres.replace(/\([^)]*\)/g, '')]),
    ],
  };
}

function stateOf(state: string): JobStatus['state'] {
  if (/^(PENDING|REQUEUED|REQUEUE_HOLD|REQUEUE_FED|SPECIAL_EXIT|RESV_DEL_HOLD)$/.test(state)) return 'queued';
  if (/^(RUNNING|CONFIGURING|SUSPENDED|STOPPED|SIGNALING|RESIZING)$/.test(state)) return 'running';
  return /^(COMPLETING|STAGE_OUT)$/.test(state) ? 'ending' : 'over';
}

function endOf(left: string, now: number): number | null {
  const seconds = secondsIn(left);
  return seconds === null ? null : now + seconds * 1000;
}

/** @param duration as squeue and sinfo print it: [D-][[HH:]MM:]SS, or a word where there is no limit */
function secondsIn(duration: string): number | null {
  const [, days = '0', hours = '0', minutes, seconds] =
    /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)$/.exec(duration) ?? [];
  if (minutes === undefined) return null;
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
}

const CHANGE = 'change the options of the job';

function never(text: string, remedy: string): Meaning {
  return { text, isFinal: true, remedy };
}

function ended(text: string, remedy: string, endedBy: 'user' | 'scheduler'): Meaning {
  return { ...never(text, remedy), endedBy };
}

function later(text: string): Meaning {
  return { text, isFinal: false };
}

/** squeue(1), JOB REASON CODES. */
const WAITING: readonly (readonly [RegExp, Meaning])[] = [
  [
    /^PartitionTimeLimit$/,
    never('its time is longer than the partition allows', 'Choose a shorter --time, or another --partition.'),
  ],
  [
    /^PartitionNodeLimit$/,
    never('it needs more nodes than the partition allows', 'Choose another --partition.'),
  ],
  [
    /^PartitionConfig$/,
    // The general one: it can be that of a new job which later waits for PartitionTimeLimit.
    never(
      'its partition does not have, or does not allow, what it asks for',
      'Choose fewer --cpus, less --memory, fewer --gpus or a shorter --time, or another --partition.',
    ),
  ],
  [/^BadConstraints$/, never('no node has what it requires', `Check --job-option, or ${CHANGE}.`)],
  [
    /^PartitionDown$|^PartitionInactive$/,
    never(
      'the partition is closed at the moment',
      'Choose another --partition, or ask the administrators when it opens.',
    ),
  ],
  [/^JobHeldUser$/, never('it is held', 'Release it on the cluster, or cancel it.')],
  [/^JobHeldAdmin$/, never('an administrator holds it', 'Ask the administrators of the cluster.')],
  [/^DependencyNeverSatisfied$/, never('it waits for a job that has failed', 'Check --job-option.')],
  [
    /^(Assoc|AssocGrp|AssocMax|QOS|QOSGrp|QOSMax|QOSMin|QOSUsage|MaxJobs|InvalidAccount|InvalidQOS|Licenses)\w*(Limit|PerJob|PerNode|PerUser|PerAccount|Account|QOS|Threshold)$/,
    never(
      'it is over a limit of your account',
      'Ask for less, choose another --account, or end other jobs of yours.',
    ),
  ],
  [/^InvalidAccount$|^InvalidQOS$/, never('its account is not valid any more', 'Choose another --account.')],
  [/^Resources$/, later('for free nodes')],
  [/^Priority$/, later('for jobs with a higher priority')],
  [/^BeginTime$/, later('for the time at which it may begin')],
  [/^Dependency$/, later('for another job')],
  [/^ReqNodeNotAvail/, later('for a node that is not available, perhaps until the end of a maintenance')],
  [/^Reservation$/, later('for the begin of its reservation')],
  [/^Cleaning$/, later('for the nodes to be cleaned up after another job')],
];

/** sbatch(1), squeue(1): JOB STATE CODES. */
const ENDED: readonly (readonly [RegExp, Meaning])[] = [
  [/^TIMEOUT/, ended('reached its time limit', 'Start it again with a longer --time.', 'scheduler')],
  [/^DEADLINE/, ended('reached its deadline', 'Start it again.', 'scheduler')],
  [/^OUT_OF_MEMORY/, ended('ran out of memory', 'Start it again with more --memory.', 'scheduler')],
  [
    /^PREEMPTED/,
    ended(
      'had to give way to a job with a higher priority',
      'Start it again, perhaps on another --partition.',
      'scheduler',
    ),
  ],
  [/^(NODE_FAIL|BOOT_FAIL)/, ended('ended since its node failed', 'Start it again.', 'scheduler')],
  [/^CANCELLED/, ended('was cancelled', 'Start it again.', 'user')],
  [/^(FAILED|LAUNCH_FAILED)/, never('failed', 'See its log.')],
  [/^COMPLETING/, later('is ending')],
  [/^COMPLETED/, never('has ended', 'Start it again.')],
];

/** What sbatch prints when it refuses a job. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/invalid partition/i, 'Choose another --partition. To list them on the cluster: sinfo'],
  [/memory specification|memory/i, 'Choose less --memory.'],
  [/gres|gpu/i, 'Choose another number or type of --gpus, or another --partition.'],
  [/time limit|--time|invalid time/i, 'Choose another --time.'],
  [/account/i, 'Choose another --account, or ask the administrators of the cluster for one.'],
  [
    /node count|cpu count|more processors|CPUs|Requested node configuration/i,
    'Choose fewer --cpus, less --memory or fewer --gpus, or another --partition.',
  ],
  [/permission|not permitted|group not|access/i, 'Choose another --partition: this one is not for you.'],
  [/option|invalid/i, 'Check --job-option.'],
  [/contact|connect|respond/i, 'The scheduler does not respond at the moment. Try again later.'],
];
