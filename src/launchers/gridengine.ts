import type { JobStatus } from '../model/job.ts';
import type { ServerSpec } from '../model/server-spec.ts';
import { parseDuration } from '../model/setting-values.ts';
import type { Partition } from '../model/site.ts';
import { type Command, commandLine } from '../system/command.ts';
import { type Launcher, type Meaning, meaningOf, remedyFor } from './launcher.ts';

/** Grid Engine, Open Grid Scheduler and their descendants: see qsub(1) and qstat(1). */
export const gridengine: Launcher = {
  title: 'Grid Engine',

  submitLine: (spec) => `${commandLine(submitWords(spec))} -o "$(gridengine_path "$folder/job.log")"`,
  rehearseLine: (spec) => commandLine([...submitWords(spec), '-w', 'v']),

  // Its qrsh starts jobs of its own: a node is reached by the node's sshd.
  within: () => undefined,
  isOver: () => false,

  status(line, now) {
    const [, state = '', reason = '', node = '', left = ''] = line.split('|');
    return {
      state: stateOf(state),
      reason: stateOf(state) === 'running' ? null : [state, reason].filter(Boolean).join(': '),
      node: node.replace(/^.*@/, '') || null,
      expectedStart: null,
      endsAt: /^\d+$/.test(left) ? now + Number(left) * 1000 : null,
    };
  },

  partition,
  waiting: (reason) => meaningOf(reason, WAITING),
  ended: (reason) => meaningOf(reason, ENDED),
  refusal: (words) =>
    remedyFor(words, REFUSALS, 'Change the options of the job, or ask the administrators of the cluster.'),
};

function submitWords(spec: ServerSpec): Command {
  // A name may not begin with a digit, nor contain some characters: qsub(1), -N.
  const job = `remote-notebook-${spec.name}`.replace(/[^\p{L}\p{N}._-]/gu, '-');
  return [
    'qsub',
    ...['-terse', '-S', '/bin/sh', '-N', job, '-j', 'y', '-r', 'n'],
    // A warning before the end, in which the job ends its processes; and no job that could never run.
    ...['-notify', '-w', 'e'],
    ...resources(spec),
    ...spec.jobOption,
  ];
}

/** h_vmem is for each slot: the memory of the job is divided among its CPUs. */
function resources({ time, cpus, memory, gpus, partition, account }: ServerSpec): string[] {
  return [
    ...(time === undefined ? [] : ['-l', `h_rt=${parseDuration(time, 'time')}`]),
    ...(cpus === undefined || cpus === 1 ? [] : ['-pe', 'smp', String(cpus)]),
    ...(memory === undefined ? [] : ['-l', `h_vmem=${memoryOfSlot(memory, cpus ?? 1)}`]),
    ...(gpus === undefined ? [] : ['-l', gpuRequest(gpus)]),
    ...(partition === undefined ? [] : ['-q', partition]),
    ...(account === undefined ? [] : ['-P', account]),
  ];
}

/** The complexes of many sites. qsub refuses a job that names one which its site does not have. */
function gpuRequest(gpus: string): string {
  const [, type, count] = /^(?:(.*):)?(.*)$/.exec(gpus) ?? [];
  return type === undefined ? `gpu=${count}` : `gpu=${count},gpu_type=${type}`;
}

const KILOBYTES = { K: 1, M: 2 ** 10, G: 2 ** 20, T: 2 ** 30 } as const;

function memoryOfSlot(memory: string, slots: number): string {
  const unit = memory.slice(-1) as keyof typeof KILOBYTES;
  const size = Number(memory.slice(0, -1));
  return size % slots === 0 ? `${size / slots}${unit}` : `${Math.ceil((size * KILOBYTES[unit]) / slots)}K`;
}

/** QUEUE|FREE|TOTAL|LIMIT, where LIMIT is the h_rt of queue_conf(5): seconds, H:M:S or INFINITY. */
function partition(line: string): Partition | undefined {
  const [name = '', free, total, limit = ''] = line.split('|');
  if (name === '' || total === undefined) return undefined;
  const parts = /^\d+(:\d+){0,2}$/.test(limit) ? limit.split(':').map(Number) : undefined;
  return {
    name,
    isDefault: false,
    isOpen: Number(total) > 0,
    maxTimeS: parts?.reduce((sum, part) => sum * 60 + part, 0) ?? null,
    free: Number(free),
    total: Number(total),
    unit: 'slots',
    node: [],
  };
}

/** qstat(1): q is queued, h held, E in error, r running, t transferred, d being deleted, s, S and T suspended. */
function stateOf(state: string): JobStatus['state'] {
  if (state === '') return 'over';
  if (state.includes('d')) return 'ending';
  return /[qhE]/.test(state) ? 'queued' : 'running';
}

const WAITING: readonly (readonly [RegExp, Meaning])[] = [
  [/^E/, { text: 'it could not be started', isFinal: true, remedy: 'See its log, and stop it.' }],
  [/^h/, { text: 'it is held', isFinal: true, remedy: 'Release it on the cluster, or stop it.' }],
  [/^qw$/, { text: 'for free nodes', isFinal: false }],
];

/** The fields failed and exit_status of accounting(5), the numbers of the former as in sge_status(5). */
const ENDED: readonly (readonly [RegExp, Meaning])[] = [
  [/^d/, { text: 'is ending', isFinal: false }],
  [
    /^37 /,
    {
      text: 'reached its limit of time or memory',
      isFinal: true,
      remedy: 'Start it again with a longer --time, or more --memory.',
      endedBy: 'scheduler',
    },
  ],
  [
    /^100 |^0 143$/,
    {
      text: 'was ended by a signal, for example since it was cancelled',
      isFinal: true,
      remedy: 'Start it again.',
      endedBy: 'user',
    },
  ],
  [/^0 0$|^$/, { text: 'has ended', isFinal: true, remedy: 'Start it again.' }],
  [/^0 /, { text: 'failed', isFinal: true, remedy: 'See its log.' }],
  [
    /^\d/,
    {
      text: 'could not be started',
      isFinal: true,
      remedy: 'Ask the administrators of the cluster.',
      endedBy: 'scheduler',
    },
  ],
];

/** What qsub prints when it refuses a job. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [
    /parallel environment/i,
    'This cluster has no parallel environment "smp": name another with --job-option, without --cpus.',
  ],
  [
    /no suitable queue/i,
    'No queue can ever run it: choose a shorter --time, fewer --cpus, less --memory, or another --partition.',
  ],
  [/queue/i, 'Choose another --partition. To list the queues on the cluster: qstat -g c'],
  [
    /unknown resource "gpu"/i,
    'This cluster has another name for GPUs: use it with --job-option, without --gpus.',
  ],
  [/invalid option/i, 'Check --job-option.'],
  [/project/i, 'Choose another --account.'],
  [/resource|h_vmem|h_rt|gpu/i, 'Choose other --time, --memory or --gpus.'],
  [/contact|commlib|connect/i, 'The scheduler does not respond at the moment. Try again later.'],
];
