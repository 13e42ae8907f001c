import { CONFIG_FILE, defineVerb, SERVER, YES } from '../line/verb.ts';
import { UsageError } from '../system/errors.ts';
import { TIMEOUT, verifyTimeout } from './start-options.ts';

export const restart = defineVerb({
  usage: 'restart [server]',
  summary: 'Restart a server on the same port, with the same token',
  positionals: SERVER,
  options: { ...CONFIG_FILE, ...YES, ...TIMEOUT },
  examples: [
    ['$0 restart gpu', 'pages that are open in the browser go on; what the kernels held is lost'],
    ['$0 restart gpu --yes', 'also while a kernel is busy'],
  ],
  async run(args, terminal) {
    const { context, style } = terminal;
    const timeoutMs = verifyTimeout(args.timeout);
    const { ownServer } = await import('../article/store.ts');
    const known = await ownServer(args.server, args.sshConfig, context);
    const { name } = known.spec;
    if (known.record?.jupyter?.adopted) {
      throw new UsageError(`"${name}" was started by something else, and only that can start it again`, {
        remedy: `Stop it (remote-notebook stop ${name}), start it there as you did, and join it: remote-notebook start ${known.spec.destination} --adopt PORT`,
      });
    }
    const { mayEnd } = await import('./busy.ts');
    const { restartServer } = await import('../lifecycle/restart.ts');
    const result = await restartServer(
      known.spec,
      args.yes ? undefined : mayEnd(terminal),
      timeoutMs,
      context,
    );
    const phases = terminal.phases();
    if (result === 'refused') {
      terminal.show(`${style.bold(name)} runs on.`);
      return 1;
    }
    const { describeStarted } = await import('../lifecycle/status.ts');
    const status = await describeStarted(result.record, context);
    terminal.show(
      result.again
        ? `${style.bold(name)} runs again on ${status.destination}; pages that are open find it by themselves.`
        : `${style.bold(name)} did not run, and is started on ${status.destination}. Open it: remote-notebook open ${name}`,
    );
    await terminal.result({ ...status, joined: result.joined, phases }, () => [result.url]);
    return 0;
  },
});
