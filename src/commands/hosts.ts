import { CONFIG_FILE, defineVerb } from '../line/verb.ts';

export const hosts = defineVerb({
  usage: 'hosts',
  summary: 'List the hosts in your ssh configuration',
  options: { ...CONFIG_FILE },
  examples: [
    ['$0 hosts', 'each of them is a destination for start'],
    ['$0 hosts -F lab.conf --json', 'those of another file, for scripts'],
  ],
  async run(args, terminal) {
    const { knownHosts } = await import('../ssh/aliases.ts');
    const { file, aliases } = knownHosts(args.sshConfig);
    await terminal.result({ hosts: aliases }, () => aliases);
    if (aliases.length === 0) terminal.show(`${file} names no host. A destination can also be user@host.`);
    return 0;
  },
});
