import { defineVerb } from '../line/verb.ts';
import { UsageError } from '../system/errors.ts';

const ACTIONS = ['show', 'path', 'check'];

export const config = defineVerb({
  usage: 'config [action]',
  summary: 'Show or check config.yaml',
  positionals: {
    action: { describe: 'show, path or check (default: show)', type: 'string', completes: ACTIONS },
  },
  options: {},
  examples: [
    ['$0 config path', 'where the file is'],
    ['$0 config check', 'line and key of the first mistake'],
  ],
  async run(args, terminal) {
    const { readConfiguration, writtenConfiguration } = await import('../config/file.ts');
    const { configurationFile } = await import('../system/paths.ts');
    const file = configurationFile(terminal.context.env);
    const action = args.action ?? 'show';
    if (!ACTIONS.includes(action)) {
      throw new UsageError(`config cannot "${action}"`, { remedy: `It can: ${ACTIONS.join(', ')}` });
    }
    if (action === 'path') {
      await terminal.result({ path: file }, () => [file]);
      return 0;
    }
    const configuration = await readConfiguration(file);
    const count = Object.keys(configuration.servers).length;
    const written = writtenConfiguration(configuration);
    if (action === 'check')
      terminal.show(`${file} is right: ${count === 1 ? 'one server' : `${count} servers`}.`);
    else if (count === 0)
      terminal.show(
        `${file} names no server. remote-notebook init writes one there, and so does start … --save NAME.`,
      );
    await terminal.result({ path: file, ...written }, async () => {
      if (action === 'check' || count === 0) return [];
      const { default: yaml } = await import('yaml');
      return [yaml.stringify(written).trimEnd()];
    });
    return 0;
  },
});
