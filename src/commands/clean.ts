import { strayLogs } from '../article/store.ts';
import { findLeftovers } from '../lifecycle/clean.ts';
import { defineVerb, flag } from '../line/verb.ts';

export const clean = defineVerb({
  usage: 'clean',
  summary: 'Remove files and processes left behind by crashes',
  options: { 'dry-run': flag('list what would be removed, without removing it') },
  examples: [
    ['$0 clean --dry-run', 'list it first'],
    ['$0 clean', 'remove it; anything still in use is kept'],
  ],
  async run(args, terminal) {
    const leftovers = [...(await findLeftovers(terminal.context)), ...strayLogs(terminal.context)];
    if (!args.dryRun) for (const leftover of leftovers) await leftover.remove();
    const names = leftovers.map(({ what }) => what);
    await terminal.result({ removed: !args.dryRun, leftovers: names }, () =>
      names.map((what) => `${args.dryRun ? 'would remove' : 'removed'} ${what}`),
    );
    if (names.length === 0) terminal.show('Nothing to remove.');
    return 0;
  },
});
