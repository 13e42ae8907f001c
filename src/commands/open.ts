import { ownServer } from '../article/store.ts';
import { openPage, reachableServer, secretUrl, urlOf } from '../lifecycle/open.ts';
import { CONFIG_FILE, defineVerb, flag, SERVER } from '../line/verb.ts';
import { DOCUMENT, splitDocument } from './documents.ts';

export const open = defineVerb({
  usage: 'open [server] [document]',
  summary: "Open a server's page, or a notebook, in the browser",
  positionals: { ...SERVER, ...DOCUMENT },
  options: {
    ...CONFIG_FILE,
    print: flag('print the URL with its token instead of opening it; with --json, also the token alone'),
  },
  examples: [
    ['$0 open', 'open the only server'],
    ['$0 open gpu plots/first.ipynb', 'open a notebook in its directory'],
    ['$0 open gpu --print', 'print the URL, to paste it elsewhere'],
  ],
  async run(args, terminal) {
    const { context, print, result, show } = terminal;
    const [server, document] = splitDocument(args.server, args.document);
    const known = await ownServer(server, args.sshConfig, context);
    const { record, status } = await reachableServer(known, context);
    const url = await urlOf(record, document, context);
    const secret = secretUrl(url, record);
    if (args.json || args.print) {
      const shown = args.print ? { url: secret, token: record.jupyter?.token } : { url };
      await result({ ...status, ...shown }, () => [secret]);
      return 0;
    }
    if (await openPage(url, record, context)) return 0;
    show('This machine has no desktop on which to open a browser. The URL:');
    print(secret);
    return 0;
  },
});
