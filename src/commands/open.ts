import { CONFIG_FILE, defineVerb, flag, SERVER } from '../line/verb.ts';

export const open = defineVerb({
  usage: 'open [server]',
  summary: "Open a server's page in the browser",
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    print: flag('print its URL with the token instead; with --json both of them'),
  },
  examples: [
    ['$0 open', 'the only server'],
    ['$0 open gpu --print', 'the URL, to paste it elsewhere'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const { openPage, reachableServer, secretUrl } = await import('../lifecycle/open.ts');
    const { ownServer } = await import('../article/store.ts');
    const { Failure } = await import('../system/errors.ts');
    const known = await ownServer(args.server, args.sshConfig, context);
    const { record, status } = await reachableServer(known, context);
    if (args.json || args.print) {
      const secrets = args.print ? { url: secretUrl(record), token: record.jupyter?.token } : {};
      await terminal.result({ ...status, ...secrets }, () => [secretUrl(record)]);
      return 0;
    }
    if (await openPage(record, context)) return 0;
    throw new Failure('there is no browser to open here', {
      remedy: `See its URL: remote-notebook open ${record.spec.name} --print`,
    });
  },
});
