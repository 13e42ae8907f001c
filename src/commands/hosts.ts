import { CONFIG_FILE, defineVerb } from '../line/verb.ts';
import { knownHosts } from '../ssh/aliases.ts';

export const hosts = defineVerb({
  usage: 'hosts',
  summary: 'List the hosts in your ssh configuration',
  options: { ...CONFIG_FILE },
  examples: [
    ['$0 hosts', 'list the hosts; start accepts each of them'],
    ['$0 hosts -F lab.conf --json', 'list the hosts in another file as JSON'],
  ],
  async run(args, terminal) {
    const { file, aliases } = knownHosts(args.sshConfig);
    await terminal.result({ hosts: aliases }, () => aliases);
    if (aliases.length === 0) terminal.show(`${file} contains no hosts. You can also use user@host.`);
    return 0;
  },
});
