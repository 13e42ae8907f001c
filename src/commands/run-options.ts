import { JOB_GROUP, SERVER_OPTIONS, SETTING_OPTIONS } from '../line/server-options.ts';
import { flag } from '../line/verb.ts';
import { INSTALL } from './start-options.ts';

const { directory, environment, setup } = SETTING_OPTIONS;
const { launcher, time, cpus, memory, gpus, partition, account, job } = SERVER_OPTIONS;

/** An option with a text. */
function text(group: string, describe: string) {
  return { type: 'string', describe, group, requiresArg: true } as const;
}

/** The options of `run`. */
export const RUN_OPTIONS = {
  parameter: {
    alias: 'P',
    type: 'string',
    array: true,
    nargs: 1,
    describe:
      'NAME=VALUE: set a parameter of the notebook, as papermill does; VALUE is JSON or text (repeatable)',
    group: 'What:',
    requiresArg: true,
  },
  params: text('What:', 'a JSON file with parameters'),
  with: {
    type: 'string',
    array: true,
    nargs: 1,
    describe:
      'also send this file or folder, such as a module or data, from below the folder of the notebook to the same place in the directory on the host (repeatable)',
    group: 'What:',
    requiresArg: true,
  },
  force: { ...flag('with --with: also replace files that somebody has changed on the host'), group: 'What:' },
  directory: { ...directory, describe: 'directory on the host (default: your home directory)' },
  environment,
  setup,
  install: { ...INSTALL.install, group: 'How:' },
  requirements: { ...INSTALL.requirements, group: 'How:' },
  name: text('How:', 'name for the run, to which a number is added (default: the name of the notebook)'),
  kernel: text('How:', "name of the kernel (default: the notebook's)"),
  'cell-timeout': text('How:', 'end the run if a cell takes longer: 30m, 2h or 1d'),
  'allow-errors': { ...flag('continue after a cell that fails'), group: 'How:' },
  'keep-kernel': text(
    'How:',
    'keep the kernel of a run that fails for this time, to look at its variables with console: 1h',
  ),
  'ssh-config': SETTING_OPTIONS['ssh-config'],
  wait: {
    ...flag('print what the cells print, wait for the end, and fetch the result'),
    group: 'How:',
  },
  output: text('How:', 'file for the result on this machine (default: NAME.out.ipynb beside the notebook)'),
  // biome-ignore lint/suspicious/noThenProperty: it is an option, and never a function.
  then: text(
    'How:',
    'with --wait: shell command to run on this machine at the end, with RUN, STATE and EXIT in its environment',
  ),
  'then-on-host': text('How:', 'the same on the host, where it also runs while this machine is off'),
  launcher: { ...launcher, describe: launcher.describe?.replace('Jupyter', 'the notebook') ?? '' },
  ...{ time, cpus, memory, gpus, partition, account },
  'job-option': SERVER_OPTIONS['job-option'],
  'queue-timeout': {
    ...SERVER_OPTIONS['queue-timeout'],
    describe:
      'execute nothing if the job has not started after this time: 30m, 8h or 2d; with --wait it is cancelled then (default: wait)',
    group: JOB_GROUP,
  },
  job,
  'dry-run': flag('print the commands without running them'),
} as const;
