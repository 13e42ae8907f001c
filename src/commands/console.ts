import { defineVerb } from '../line/verb.ts';
import { openConsole } from '../runs/console.ts';
import { hostOfRun, requireRun } from '../runs/place.ts';
import { listRuns } from '../runs/runs.ts';

export const console = defineVerb({
  usage: 'console <run>',
  summary: 'Look at the variables of a run that failed, in its kernel',
  positionals: {
    run: { describe: 'name of a run that was started with --keep-kernel', type: 'string', completes: 'runs' },
  },
  options: {},
  examples: [
    ['$0 console train-3', 'type code that its kernel executes; Ctrl-D leaves it'],
    ['$0 console train-3 < look.py', 'execute a file of this machine there'],
  ],
  async run(args, terminal) {
    const { name, place } = requireRun(args.run ?? '', terminal.context);
    if (!args.json) return openConsole(name, place, terminal.context);
    const found = await listRuns(hostOfRun(place), terminal.context);
    await terminal.result(found.find((run) => run.name === name) ?? {});
    return 0;
  },
});
