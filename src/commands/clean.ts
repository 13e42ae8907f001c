import { strayLogs } from '../article/store.ts';
import { findLeftovers } from '../lifecycle/clean.ts';
import { defineVerb, flag, YES } from '../line/verb.ts';
import { endedRuns } from '../runs/runs.ts';

export const clean = defineVerb({
  usage: 'clean',
  summary: 'Remove files and processes left behind by crashes',
  options: {
    'dry-run': flag('list what would be removed, without removing it'),
    runs: flag('remove the runs that have ended from their hosts instead, with their notebooks there'),
    ...YES,
  },
  examples: [
    ['$0 clean --dry-run', 'list it first'],
    ['$0 clean', 'remove it; anything still in use is kept'],
    [
      '$0 clean --runs',
      'list the runs that have ended, on the hosts of all runs, and remove them after a question',
    ],
  ],
  async run(args, terminal) {
    const { context, show, confirm } = terminal;
    const leftovers = args.runs
      ? await endedRuns(context)
      : [...(await findLeftovers(context)), ...strayLogs(context)];
    const names = leftovers.map(({ what }) => what);
    // A crash leaves nothing of value, but a notebook may be the result of days.
    if (args.runs && !args.dryRun && !args.yes && names.length > 0) {
      show(`This removes, for ever:\n  ${names.join('\n  ')}`);
      if (!(await confirm('Remove them?'))) return 1;
    }
    if (!args.dryRun) for (const leftover of leftovers) await leftover.remove();
    await terminal.result({ removed: !args.dryRun, leftovers: names }, () =>
      names.map((what) => `${args.dryRun ? 'would remove' : 'removed'} ${what}`),
    );
    if (names.length === 0) show('Nothing to remove.');
    return 0;
  },
});
