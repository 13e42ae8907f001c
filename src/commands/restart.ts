import { ownServer } from '../article/store.ts';
import { restartServer } from '../lifecycle/restart.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER, YES } from '../line/verb.ts';
import { UsageError } from '../system/errors.ts';
import { mayEnd } from './busy.ts';
import { openStarted } from './start.ts';
import { BROWSER, TIMEOUT, verifyTimeout } from './start-options.ts';

export const restart = defineVerb({
  usage: 'restart [server]',
  summary: 'Restart a server at the same address, and open its page',
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    ...YES,
    ...BROWSER,
    ...TIMEOUT,
    'new-job': flag('submit a new batch job, instead of restarting the server in the one that it has'),
  },
  examples: [
    [
      '$0 restart gpu',
      'restart it: the variables in its kernels are lost, and open pages must be opened again',
    ],
    ['$0 restart gpu --yes', 'restart it even if a kernel is running code'],
    ['$0 restart gpu --new-job', 'on a cluster: cancel its batch job, and start it in another one'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const timeoutMs = verifyTimeout(args.timeout);
    const { spec, record } = await ownServer(args.server, args.sshConfig, context);
    if (record?.jupyter?.adopted) {
      throw new UsageError(`"${spec.name}" was started by another program, so it cannot be restarted here`, {
        remedy: `Stop it (remote-notebook stop ${spec.name}), start it on the host as before, and connect to it: remote-notebook start ${spec.destination} --adopt PORT`,
      });
    }
    const ask = args.yes ? undefined : mayEnd(terminal);
    const result = await restartServer(spec, ask, { timeoutMs, inNewJob: args.newJob }, context);
    if (result === 'refused') {
      terminal.show(`${terminal.style.bold(spec.name)} is still running.`);
      return 1;
    }
    return openStarted(result, args, terminal);
  },
});
