import { defineVerb, flag } from '../line/verb.ts';
import { hasEnded } from '../model/run.ts';
import { requireRun } from '../runs/place.ts';
import { fetchResult } from '../runs/result.ts';
import { cellsOf } from '../screen/run-lines.ts';

export const fetch = defineVerb({
  usage: 'fetch <run>',
  summary: 'Bring the notebook of a run here, also a half-finished one',
  positionals: { run: { describe: 'name of a run', type: 'string', completes: 'runs' } },
  options: {
    output: {
      type: 'string',
      describe: 'file for it (default: NAME.out.ipynb beside the notebook that was sent)',
      requiresArg: true,
    },
    force: flag('also replace a file that was changed, or that fetch has not written'),
  },
  examples: [
    ['$0 fetch train-3', 'write train.out.ipynb beside train.ipynb'],
    ['$0 fetch train-3 --output half.ipynb', 'write it to another file'],
  ],
  async run(args, terminal) {
    const { context, style } = terminal;
    const { name, place } = requireRun(args.run ?? '', context);
    const { file, status } = await fetchResult(name, place, args, context);
    await terminal.result({ ...status, file }, () => [file]);
    terminal.show(`${style.bold(name)}: ${status.state}, ${cellsOf(status)}.`);
    if (!hasEnded(status)) terminal.show('It is not finished yet. Fetch it again later.');
    return 0;
  },
});
