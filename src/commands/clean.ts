import { DRY_RUN, defineVerb } from '../line/verb.ts';

export const clean = defineVerb({
  usage: 'clean',
  summary: 'Remove files and processes left behind by crashes',
  options: { ...DRY_RUN },
  examples: [
    ['$0 clean --dry-run', 'see it first'],
    ['$0 clean', 'nothing that still runs is touched'],
  ],
  async run(args, terminal) {
    const { findLeftovers } = await import('../lifecycle/clean.ts');
    const { strayLogs } = await import('../article/store.ts');
    const leftovers = [...(await findLeftovers(terminal.context)), ...strayLogs(terminal.context)];
    if (!args.dryRun) for (const leftover of leftovers) await leftover.remove();
    const names = leftovers.map(({ what }) => what);
    await terminal.result({ removed: !args.dryRun, leftovers: names }, () =>
      names.map((what) => `${args.dryRun ? 'would remove' : 'removed'} ${what}`),
    );
    if (names.length === 0) terminal.show('Nothing is left over.');
    return 0;
  },
});
