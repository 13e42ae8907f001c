import { ownServer } from '../article/store.ts';
import { restartServer } from '../lifecycle/restart.ts';
import { describeStarted } from '../lifecycle/status.ts';
import { CONFIG_FILE, defineVerb, SERVER, YES } from '../line/verb.ts';
import { UsageError } from '../system/errors.ts';
import { mayEnd } from './busy.ts';
import { TIMEOUT, verifyTimeout } from './start-options.ts';

export const restart = defineVerb({
  usage: 'restart [server]',
  summary: 'Restart a server on the same port, with the same token',
  positionals: SERVER,
  options: { ...CONFIG_FILE, ...YES, ...TIMEOUT },
  examples: [
    ['$0 restart gpu', 'restart it: open pages reconnect, but the variables in its kernels are lost'],
    ['$0 restart gpu --yes', 'restart it even if a kernel is running code'],
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
    const result = await restartServer(spec, ask, timeoutMs, context);
    const phases = terminal.phases();
    const name = terminal.style.bold(spec.name);
    if (result === 'refused') {
      terminal.show(`${name} is still running.`);
      return 1;
    }
    const status = await describeStarted(result.record, context);
    terminal.show(
      result.again
        ? `${name} is running again on ${status.destination}; open pages reconnect by themselves.`
        : `${name} was not running, and has been started on ${status.destination}. Open it: remote-notebook open ${spec.name}`,
    );
    await terminal.result({ ...status, joined: result.joined, phases }, () => [result.url]);
    return 0;
  },
});
