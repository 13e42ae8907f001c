import { ownServer } from '../article/store.ts';
import { openPage, reachableServer, secretUrl } from '../lifecycle/open.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER } from '../line/verb.ts';
import { Failure } from '../system/errors.ts';

export const open = defineVerb({
  usage: 'open [server]',
  summary: "Open a server's page in the browser",
  positionals: SERVER,
  options: {
    ...CONFIG_FILE,
    print: flag('print the URL with its token instead; with --json, both'),
  },
  examples: [
    ['$0 open', 'open the only server'],
    ['$0 open gpu --print', 'print the URL, to paste it elsewhere'],
  ],
  async run(args, terminal) {
    const { context } = terminal;
    const known = await ownServer(args.server, args.sshConfig, context);
    const { record, status } = await reachableServer(known, context);
    if (args.json || args.print) {
      const secrets = args.print ? { url: secretUrl(record), token: record.jupyter?.token } : {};
      await terminal.result({ ...status, ...secrets }, () => [secretUrl(record)]);
      return 0;
    }
    if (await openPage(record, context)) return 0;
    throw new Failure('cannot open a browser: this machine has no desktop', {
      remedy: `Print the URL instead: remote-notebook open ${record.spec.name} --print`,
    });
  },
});
