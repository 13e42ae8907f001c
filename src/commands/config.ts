import { readConfiguration } from '../config/file.ts';
import { writtenConfiguration } from '../config/schema.ts';
import { defineVerb } from '../line/verb.ts';
import { UsageError } from '../system/errors.ts';
import { configurationFile } from '../system/paths.ts';

const ACTIONS = ['show', 'path', 'check'];

export const config = defineVerb({
  usage: 'config [action]',
  summary: 'Show or check config.yaml',
  positionals: {
    action: { describe: 'show, path or check (default: show)', type: 'string', completes: ACTIONS },
  },
  options: {},
  examples: [
    ['$0 config path', 'print the path of config.yaml'],
    ['$0 config check', 'report the line and key of the first mistake'],
  ],
  async run(args, terminal) {
    const path = configurationFile(terminal.context.env);
    const action = args.action ?? 'show';
    if (!ACTIONS.includes(action))
      throw new UsageError(`unknown action "${action}"`, { remedy: `Use one of: ${ACTIONS.join(', ')}` });
    if (action === 'path') {
      await terminal.result({ path }, () => [path]);
      return 0;
    }
    const configuration = await readConfiguration(path);
    const count = Object.keys(configuration.servers).length;
    const written = writtenConfiguration(configuration);
    if (action === 'check') terminal.show(`${path} is valid (${count} server${count === 1 ? '' : 's'}).`);
    else if (count === 0)
      terminal.show(
        `${path} contains no servers. Add one with remote-notebook init, or start … --save NAME.`,
      );
    await terminal.result({ path, ...written }, async () => {
      if (action === 'check' || count === 0) return [];
      const { default: yaml } = await import('yaml');
      return [yaml.stringify(written).trimEnd()];
    });
    return 0;
  },
});
