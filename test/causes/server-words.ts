import { type Cause, type FailureReport, HostFailure } from '../../src/host/failures.ts';
import { makeSpec } from '../../src/model/server-spec.ts';

/** What the scripts on a host report when a server cannot be started or found: one report for each cause in the code. */
const SERVER_REPORTS: Readonly<Record<Cause, Omit<FailureReport, 'cause'>>> = {
  absent: { subject: 'sed' },
  input: { subject: '4711' },
  directory: { subject: 'proj' },
  unserved: { subject: '4711 /home/me/proj' },
  control: { subject: 'directory proj?' },
  open: { subject: '/home/me/.local/state/remote-notebook/servers' },
  folder: { subject: '/home/me/.local/state/remote-notebook' },
  elsewhere: { subject: 'login2 login1 /home/me/.local/state/remote-notebook/servers/gpu' },
  replaced: {},
  environment: { subject: 'venv', where: '/home/me/proj/venv' },
  moved: { subject: 'venv', where: '/home/me/old/venv' },
  python: { subject: '/home/me/venv/bin/jupyter', where: '/usr/bin/python3.9' },
  setup: { subject: 'module load cuda', log: [] },
  tool: { subject: 'conda', where: 'PATH, ~/miniconda3' },
  enter: { subject: 'conda:torch', log: [] },
  jupyter: { subject: 'jupyter', where: 'PATH, ~/.local/bin' },
  interface: { subject: '/usr/bin/jupyter' },
  died: { log: [] },
  timeout: { subject: '60', log: [] },
  gone: { subject: '4711' },
  taken: { subject: '4711' },
  stranger: { subject: '4711 /home/me/.local/state/remote-notebook/servers/gpu' },
  unkillable: { subject: '4711' },
  container: { subject: 'podman:ml', log: ['Error: inspecting object: ml: image not known'] },
  image: { subject: 'podman:ml', log: [] },
  unbound: { subject: 'podman:ml', where: '/home/me/a:b' },
  run: { subject: 'train-3' },
  notebook: { subject: 'exp/train.ipynb' },
  upload: { subject: '48213' },
  unpack: { subject: 'train-3', log: [] },
  names: { subject: './data/two?lines.csv' },
  late: { subject: '7200' },
  changed: { subject: 'utils.py, data/train.csv' },
  client: { subject: '/home/me/proj/venv' },
  driver: { subject: '/usr/bin/python3', log: [] },
  unfit: { subject: 'train-3' },
  output: { subject: 'train-3' },
  running: { subject: 'train-3' },
  another_node: { subject: 'login2 login1' },
  no_driver: { subject: '4711 /home/me/.local/state/remote-notebook/runs/train-3' },
  kept: { subject: 'train-3 never' },
  stuck: { subject: '4711' },
  log: { subject: '/home/me/.local/state/remote-notebook/servers/gpu/log' },
  occupied: { subject: '/home/me/proj/data' },
  unrequired: { subject: '/home/me/proj' },
  unmade: {
    subject: '/home/me/proj/.venv',
    log: ['The virtual environment was not created successfully because ensurepip is not available.'],
  },
  install: {
    subject: '/home/me/proj/.venv',
    log: ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'],
  },
  refused: { log: ['error: invalid partition specified: gpus'] },
  queue: { subject: '3600' },
  ended: { subject: 'slurm 17', over: 'OUT_OF_MEMORY OutOfMemory 0:125', log: [] },
  unrecorded: { subject: 'slurm 17' },
  unanswered: { subject: 'Unable to contact slurm controller' },
  lingers: { subject: 'slurm 17' },
};

const OF_JOBS: readonly Cause[] = ['refused', 'queue', 'ended', 'unrecorded', 'unanswered', 'lingers'];

export function serverFailure(cause: Cause): HostFailure {
  const report = { cause, ...SERVER_REPORTS[cause] };
  const environment = ['enter', 'environment', 'moved'].includes(cause) ? report.subject : undefined;
  return new HostFailure(
    report,
    makeSpec('gpu', {
      destination: 'gpu',
      ...(environment ? { environment } : {}),
      ...(OF_JOBS.includes(cause) ? { launcher: 'slurm' } : {}),
    }),
  );
}
